import { reference } from '@opt/backend-reference';
import { type Backend, concat, createOptimizer, iota, scalar, type Tensor, trace } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { blockPowers, chosenColumns, turnOfBlocks } from './block-jacobi.ts';
import { orthonormal, sorted } from './refresh.ts';
import { type SoapOptions, soap } from './soap.ts';
import { eye, gradientAt, type Matrix, product, rows, T, values } from './testing/matrices.ts';

type Outputs = Readonly<Record<string, Tensor>>;

/** A function of tensors, in f64. */
function compiled(shapes: Readonly<Record<string, readonly number[]>>, f: (tensors: Readonly<Record<string, Tensor>>) => Outputs) {
  const program = trace(shapes, (tensors) => Object.fromEntries(Object.entries(f(tensors)).map(([key, x]) => [key, x.working()])));
  const backend = reference();
  const buffers = new Map(
    [...program.inputs, ...program.outputs].map(({ key, shape, dtype }) => [key, backend.create('output', key, shape, dtype)]),
  );
  const buffer = (key: string) => buffers.get(key) ?? { data: new Float64Array(0) };
  const executable = backend.compile(program, buffer);
  return (inputs: Readonly<Record<string, readonly number[]>>): Record<string, number[]> => {
    for (const [key, data] of Object.entries(inputs)) backend.write(buffer(key), data);
    executable.run(new Float64Array(0));
    return Object.fromEntries(program.outputs.map(({ key }) => [key, values(buffer(key).data)]));
  };
}

/** The refresh of a basis of d at a turn. */
function refreshing(d: number): (A: Matrix, Q: Matrix, turn: number) => Matrix {
  const run = compiled({ A: [d, d], Q: [d, d], turn: [] }, ({ A = scalar(0), Q = scalar(0), turn = scalar(0) }) => {
    const chosen = chosenColumns(d, turn);
    const { p, polar } = blockPowers(A, Q, chosen);
    return { next: turnOfBlocks(A, { ...orthonormal(sorted(p)), ...chosen, polar }).basis(Q) };
  });
  return (A, Q, turn) => rows(run({ A: A.flat(), Q: Q.flat(), turn: [turn] })['next'] ?? [], d);
}

const departure = (Q: Matrix): number =>
  Math.max(
    ...product(T(Q), Q)
      .flat()
      .map((x, at) => Math.abs(x - Number(at % (Q.length + 1) === 0))),
  );
const offDiagonal = (A: Matrix, Q: Matrix): number => {
  const S = product(T(Q), product(A, Q)).flat();
  const length = (of: readonly number[]) => Math.sqrt(of.reduce((sum, x) => sum + x * x, 0));
  return length(S.filter((_, at) => at % (A.length + 1) !== 0)) / length(S);
};
/** X·diag(scale)·Xᵀ. */
const covariance = (d: number, scale: (i: number) => number): Matrix => {
  const X = rows(Array.from(gradientAt(3, d * d)), d);
  const scaled = X.map((row) => row.map((x, i) => x * scale(i)));
  return product(scaled, T(X));
};

describe('columns that take turns', () => {
  it.each([32, 33, 47, 64])('of %d: all pairs meet, and every column is found again', (d) => {
    const met = new Set<string>();
    const rounds = d % 4 === 0 ? 1 : d;
    const run = compiled({ turn: [] }, ({ turn = scalar(0) }) => {
      const { index, places } = chosenColumns(d, turn);
      return { index, again: concat([index, iota(d)]).gather(places, 0) };
    });
    for (let turn = 0; turn < 6 * rounds; turn++) {
      const { index = [], again } = run({ turn: [turn] });
      expect(index).toEqual([...index].sort((a, b) => a - b));
      expect(new Set(index).size).toBe(2 * Math.floor(d / 4));
      expect(again).toEqual([...Array(d).keys()]);
      for (const a of index) for (const b of index) if (a < b) met.add(`${a} ${b}`);
    }
    expect(met.size).toBe((d * (d - 1)) / 2);
  });
});

describe('a basis refreshed by blocks', () => {
  const refresh = refreshing(32);

  it('comes to diagonalise a covariance that stays, and stays orthonormal', () => {
    const A = covariance(32, (i) => 1.2 ** -i);
    let Q = eye(32);
    const seen = [offDiagonal(A, Q)];
    for (let turn = 0; turn < 180; turn++) Q = refresh(A, Q, turn);
    expect(seen[0]).toBeGreaterThan(0.3);
    expect(offDiagonal(A, Q)).toBeLessThan(1e-3);
    expect(departure(Q)).toBeLessThan(1e-13);
  });

  it('takes back what departs from orthonormal', () => {
    const A = covariance(32, (i) => 1 / (1 + i));
    let Q: Matrix = eye(32).map((row, i) => row.map((x, j) => x + 0.01 * Math.sin(i + 5 * j)));
    expect(departure(Q)).toBeGreaterThan(0.02);
    for (let turn = 0; turn < 60; turn++) {
      Q = refresh(A, Q, turn);
    }
    expect(departure(Q)).toBeLessThan(1e-12);
  });

  it('leaves columns of which the covariance says nothing as they are, whatever the two blocks hold', () => {
    const one: Matrix = eye(32).map((row, i) => row.map((x) => (i < 3 ? x * (4 - i) : 0)));
    for (let turn = 0; turn < 6; turn++)
      for (const [i, row] of refresh(one, eye(32), turn).entries())
        for (const [j, x] of row.entries()) expect(Math.abs(x)).toBe(i === j ? 1 : 0);
    // And all of them while there is no covariance.
    expect(
      refresh(
        one.map((row) => row.map(() => 0)),
        eye(32),
        0,
      ),
    ).toEqual(eye(32));
  });
});

describe('soap by blocks', () => {
  const options: SoapOptions = { refresh: 'block-jacobi', preconditionFrequency: 1, weightDecay: 0 };
  const [m, n] = [34, 33];
  const make = (more: SoapOptions = {}, backend: Backend<'sync', 'sync'> = reference()) =>
    createOptimizer({
      transform: soap({ ...options, ...more }),
      parameters: { w: { shape: [m, n], data: gradientAt(50, m * n) }, b: { shape: [40, 6], data: gradientAt(51, 240) } },
      backend,
    });
  const gradients = (step: number) => ({ w: gradientAt(step, m * n), b: gradientAt(100 + step, 240) });

  it.each<SoapOptions>([{}, { preconditionFrequency: 3 }, { sides: 'shorter' }, { sortOnRefresh: false }, { refreshTolerance: 0.01 }])(
    'turns first moments with the basis: they remain those of the gradients, %j',
    (more) => {
      const optimizer = make(more);
      let M: Matrix = rows(Array<number>(m * n).fill(0), n);
      for (let step = 1; step <= 9; step++) {
        optimizer.step(gradients(step));
        const g = rows(Array.from(gradientAt(step, m * n)), n);
        if (step > 1) M = M.map((row, i) => row.map((x, j) => 0.95 * x + 0.05 * (g[i]?.[j] ?? 0)));
      }
      const state = (key: string): number[] => values(optimizer.state[key]);
      const Q = (axis: number, d: number): Matrix => (optimizer.state[`soap.Q${axis}:w`] ? rows(state(`soap.Q${axis}:w`), d) : eye(d));
      const ambient = product(Q(0, m), product(rows(state('soap/adam.m:w'), n), T(Q(1, n)))).flat();
      for (const [i, x] of M.flat().entries()) expect(ambient[i]).toBeCloseTo(x, 10);
    },
  );

  it('goes on bit for bit, and compiles nothing more', () => {
    const [one, other] = [make({ preconditionFrequency: 2 }), make({ preconditionFrequency: 2 })];
    for (let step = 1; step <= 5; step++) one.step(gradients(step));
    other.load(one.save());
    const { programs } = one;
    for (let step = 6; step <= 12; step++) for (const optimizer of [one, other]) optimizer.step(gradients(step));
    expect(other.save()).toEqual(one.save());
    expect(one.programs).toBe(programs);
  });

  it('is at most 42 % of the work of a whole refresh', () => {
    const flops = (more: SoapOptions): number =>
      Math.max(
        ...createOptimizer({
          transform: soap({ preconditionFrequency: 1, ...more }),
          parameters: { w: { shape: [128, 128], data: gradientAt(1, 128 * 128) } },
          backend: reference(),
        })
          .explain(3)
          .programs.filter(({ name }) => name === 'refresh')
          .map((program) => program.flops),
      );
    const ordinary = 10 * 128 ** 3;
    const [blocks, whole] = [flops({ refresh: 'block-jacobi' }), flops({})];
    expect((blocks - ordinary) / (whole - ordinary)).toBeLessThan(0.42);
  });

  it('says what it may be', () => {
    // @ts-expect-error: not one of them
    expect(() => soap({ refresh: 'jacobi' })).toThrow("soap: refresh must be 'qr' or 'block-jacobi', received 'jacobi'");
  });
});
