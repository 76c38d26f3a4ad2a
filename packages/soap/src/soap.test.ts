import { reference } from '@opt/backend-reference';
import { cosine, createOptimizer, KindError, type Program, perTensor, type Shape, size } from '@opt/core';
import { adam, lion } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { type SoapOptions, soap } from './soap.ts';

/** Noise of full rank, never the same twice. */
const gradientAt = (t: number, n: number, scale = 1): number[] => {
  let state = (t + 1) * 0x9e3779b9;
  return Array.from({ length: n }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) >>> 0;
    return (state / 2 ** 32 - 0.5) * scale;
  });
};

const make = (options: SoapOptions, shape: Shape, data: readonly number[] = gradientAt(1000, size(shape))) =>
  createOptimizer({ transform: soap(options), parameters: { w: { shape, data } }, backend: reference() });

type Made = ReturnType<typeof make>;
const values = (x: ArrayLike<number> | undefined): number[] => Array.from(x ?? []);
const product = (a: readonly number[], b: readonly number[], m: number, k: number, n: number): number[] =>
  Array.from({ length: m * n }, (_, at) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += (a[Math.floor(at / n) * k + i] ?? 0) * (b[i * n + (at % n)] ?? 0);
    return sum;
  });
const transpose = (a: readonly number[], m: number, n: number): number[] =>
  Array.from({ length: m * n }, (_, at) => a[(at % m) * n + Math.floor(at / m)] ?? 0);
const orthogonalityError = (Q: readonly number[], n: number): number =>
  Math.max(...product(transpose(Q, n, n), Q, n, n, n).map((x, i) => Math.abs(x - (i % (n + 1) === 0 ? 1 : 0))));
/** An orthogonal matrix: the Q of a QR of noise. */
function rotation(n: number, seed: number): number[] {
  const program = createOptimizer({
    transform: perTensor({ name: 'q', apply: ({ update }) => ({ parameter: update.orthonormalize('complete') }) }),
    parameters: { w: { shape: [n, n], data: new Float64Array(n * n) } },
    backend: reference(),
  });
  program.step({ w: gradientAt(seed, n * n) });
  return values(program.parameters.w);
}

const expectClose = (a: readonly number[], b: readonly number[], tolerance: number, label: string): void => {
  const largest = Math.max(...b.map(Math.abs), 1e-300);
  a.forEach((x, i) => {
    if (!(Math.abs(x - (b[i] ?? Number.NaN)) <= tolerance * largest)) expect.fail(`${label}[${i}]: ${x}, expected ${b[i]}`);
  });
};

describe('the first call', () => {
  it('sets the basis up and moves nothing', () => {
    const optimizer = make({ weightDecay: 0.5 }, [3, 4]);
    const start = values(optimizer.parameters.w);
    const g = gradientAt(0, 12);
    optimizer.step({ w: g });
    expect(values(optimizer.parameters.w)).toEqual(start);
    for (const key of ['soap/adam.m:w', 'soap/adam.v:w']) expect(values(optimizer.state[key])).toEqual(Array(12).fill(0));
    expectClose(
      values(optimizer.state['soap.A0:w']),
      product(g, transpose(g, 3, 4), 3, 4, 3).map((x) => 0.05 * x),
      1e-13,
      'A0',
    );
    expectClose(
      values(optimizer.state['soap.A1:w']),
      product(transpose(g, 3, 4), g, 4, 3, 4).map((x) => 0.05 * x),
      1e-13,
      'A1',
    );
  });

  it('the basis diagonalises the covariance, largest eigenvalue first; what the data leave open is completed', () => {
    const optimizer = make({}, [6, 3]);
    optimizer.step({ w: gradientAt(0, 18) });
    const [A, Q] = [values(optimizer.state['soap.A0:w']), values(optimizer.state['soap.Q0:w'])];
    expect(orthogonalityError(Q, 6)).toBeLessThan(1e-13);
    const D = product(transpose(Q, 6, 6), product(A, Q, 6, 6, 6), 6, 6, 6);
    const diagonal = [...Array(6).keys()].map((i) => D[7 * i] ?? 0);
    expect(diagonal.slice(0, 3)).toEqual(diagonal.slice(0, 3).sort((a, b) => b - a));
    expect(Math.max(...D.filter((_, i) => i % 7 !== 0).map(Math.abs))).toBeLessThan(1e-14);
    expect(diagonal.slice(3).every((x) => Math.abs(x) < 1e-15)).toBe(true);
  });

  it("'identity' takes no eigenvectors", () => {
    const optimizer = make({ initialBasis: 'identity' }, [2, 2]);
    optimizer.step({ w: [1, 2, 3, 4] });
    expect(values(optimizer.state['soap.Q0:w'])).toEqual([1, 0, 0, 1]);
  });

  it('a first gradient of zero gives the identity', () => {
    const optimizer = make({}, [3, 2]);
    optimizer.step({ w: Array(6).fill(0) });
    expect(values(optimizer.state['soap.Q0:w'])).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });
});

describe('which axes are preconditioned', () => {
  const bases = (options: SoapOptions, shape: Shape): string[] =>
    Object.keys(make(options, shape).state)
      .filter((key) => key.includes('.Q'))
      .map((key) => key.slice(5, -2));

  it.each<[string, SoapOptions, Shape, readonly string[]]>([
    ['both of a matrix', {}, [3, 4], ['Q0', 'Q1']],
    ['none of a scalar', {}, [], []],
    ['none of a vector', {}, [5], []],
    ['a vector on request', { precondition1d: true }, [5], ['Q0']],
    ['not one of length 1', { precondition1d: true }, [1], []],
    ['no axis of size 1', {}, [1, 4, 1], ['Q1']],
    ['up to the largest dimension, that included', { maxPreconditionDim: 4 }, [4, 5], ['Q0']],
    ['a vector that is too long', { maxPreconditionDim: 4, precondition1d: true }, [5], []],
    ['every axis of a kernel', {}, [2, 2, 3, 4], ['Q0', 'Q1', 'Q2', 'Q3']],
    ['merged axes', { mergeDims: true, maxPreconditionDim: 12 }, [2, 2, 3, 4], ['Q0', 'Q1']],
    ['a matrix merged to a vector, though vectors are not', { mergeDims: true }, [2, 3], ['Q0']],
  ])('%s', (_, options, shape, expected) => {
    expect(bases(options, shape)).toEqual(expected);
  });
});

describe('refreshes', () => {
  const bases = (optimizer: Made): string => JSON.stringify([values(optimizer.state['soap.Q0:w']), values(optimizer.state['soap.Q1:w'])]);

  it.each([1, 3, 10])('come at the end of calls f+1, 2f+1, … for f = %i', (f) => {
    const optimizer = make({ preconditionFrequency: f }, [4, 3]);
    const changed: number[] = [];
    let before = '';
    for (let call = 1; call <= 3 * f + 2; call++) {
      optimizer.step({ w: gradientAt(call, 12) });
      if (bases(optimizer) !== before) changed.push(call);
      before = bases(optimizer);
    }
    expect(changed).toEqual(Array.from({ length: 3 * f + 2 }, (_, i) => i + 1).filter((call) => (call - 1) % f === 0));
  });

  it('keep the bases orthogonal, and bring what is off the diagonal down', () => {
    const optimizer = make({ preconditionFrequency: 1, beta2: 0.99 }, [5, 4]);
    const offDiagonal = (): number => {
      const [A, Q] = [values(optimizer.state['soap.A0:w']), values(optimizer.state['soap.Q0:w'])];
      const D = product(transpose(Q, 5, 5), product(A, Q, 5, 5, 5), 5, 5, 5);
      return Math.hypot(...D.filter((_, i) => i % 6 !== 0)) / Math.hypot(...D);
    };
    for (let call = 0; call < 50; call++) optimizer.step({ w: gradientAt(call, 20) });
    const early = offDiagonal();
    // The covariance hardly moves from now on, so the power iteration converges.
    for (let call = 0; call < 300; call++) optimizer.step({ w: gradientAt(call % 7, 20, 1e-6) });
    expect(offDiagonal()).toBeLessThan(early / 10);
    expect(orthogonalityError(values(optimizer.state['soap.Q0:w']), 5)).toBeLessThan(1e-13);
    expect(orthogonalityError(values(optimizer.state['soap.Q1:w']), 4)).toBeLessThan(1e-13);
  });

  it('do not turn the first moment: unprojected it stays what it is', () => {
    const optimizer = make({ preconditionFrequency: 3 }, [4, 3]);
    const ambient = (): number[] => {
      const [m, L, R] = [
        values(optimizer.state['soap/adam.m:w']),
        values(optimizer.state['soap.Q0:w']),
        values(optimizer.state['soap.Q1:w']),
      ];
      return product(product(L, m, 4, 4, 3), transpose(R, 3, 3), 4, 3, 3);
    };
    let expected = Array(12).fill(0);
    for (let call = 0; call < 12; call++) {
      const g = gradientAt(call, 12);
      optimizer.step({ w: g });
      if (call > 0) expected = expected.map((x, i) => 0.95 * x + 0.05 * (g[i] ?? 0));
      expectClose(ambient(), expected, call === 0 ? 1 : 1e-12, `call ${call + 1}`);
    }
  });

  it('leave the bases alone while every gradient is zero', () => {
    const optimizer = make({ preconditionFrequency: 1 }, [3, 3]);
    const start = values(optimizer.parameters.w);
    for (let call = 0; call < 5; call++) optimizer.step({ w: Array(9).fill(0) });
    expect(values(optimizer.state['soap.Q0:w'])).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    const decayed = start.map((x) => x * (1 - 3e-3 * 0.01) ** 4);
    expectClose(values(optimizer.parameters.w), decayed, 1e-14, 'w');
  });
});

describe('symmetries', () => {
  it('scaling every gradient leaves the trajectory', () => {
    const run = (scale: number): number[] => {
      const optimizer = make({ epsilon: 1e-30, preconditionFrequency: 4 }, [4, 3]);
      for (let call = 0; call < 15; call++) optimizer.step({ w: gradientAt(call, 12, scale) });
      return values(optimizer.parameters.w);
    };
    expectClose(run(1e-4), run(1), 1e-9, 'w');
    expectClose(run(1e4), run(1), 1e-9, 'w');
  });

  it('rotating every gradient and the start rotates the trajectory', () => {
    const [m, n] = [4, 4];
    const [U, V] = [rotation(m, 7), rotation(n, 8)];
    const turn = (x: readonly number[]): number[] => product(product(U, x, m, m, n), transpose(V, n, n), m, n, n);
    const start = gradientAt(1000, m * n);
    const [plain, turned] = [make({ preconditionFrequency: 3 }, [m, n], start), make({ preconditionFrequency: 3 }, [m, n], turn(start))];
    for (let call = 0; call < 14; call++) {
      plain.step({ w: gradientAt(call, m * n) });
      turned.step({ w: turn(gradientAt(call, m * n)) });
      expectClose(values(turned.parameters.w), turn(values(plain.parameters.w)), 1e-9, `call ${call + 1}`);
    }
  });

  it('transposing a matrix transposes its trajectory', () => {
    const [plain, turned] = [make({}, [4, 3], gradientAt(9, 12)), make({}, [3, 4], transpose(gradientAt(9, 12), 4, 3))];
    for (let call = 0; call < 14; call++) {
      plain.step({ w: gradientAt(call, 12) });
      turned.step({ w: transpose(gradientAt(call, 12), 4, 3) });
    }
    expectClose(values(turned.parameters.w), transpose(values(plain.parameters.w), 4, 3), 1e-10, 'w');
  });
});

describe('options', () => {
  it('normalizeGradient gives directions of unit root mean square', () => {
    const optimizer = make({ normalizeGradient: true, learningRate: 0.1, correctBias: false, weightDecay: 0 }, [4, 3]);
    optimizer.step({ w: gradientAt(0, 12) });
    for (let call = 1; call < 5; call++) {
      const before = values(optimizer.parameters.w);
      optimizer.step({ w: gradientAt(call, 12) });
      const moved = values(optimizer.parameters.w).map((x, i) => x - (before[i] ?? 0));
      expect(Math.hypot(...moved) / Math.sqrt(12)).toBeCloseTo(0.1, 12);
    }
  });

  it('any direction runs inside, if the basis can carry its state', () => {
    const optimizer = make({ inner: lion(), preconditionFrequency: 2, learningRate: 0.01, weightDecay: 0 }, [4, 3]);
    const start = values(optimizer.parameters.w);
    for (let call = 0; call < 8; call++) optimizer.step({ w: gradientAt(call, 12) });
    expect(Object.keys(optimizer.state)).toContain('soap/lion.m:w');
    // Lion's direction is ±1 in the basis: a step of length η√12, whatever the rotation.
    const before = values(optimizer.parameters.w);
    optimizer.step({ w: gradientAt(8, 12) });
    expect(Math.hypot(...values(optimizer.parameters.w).map((x, i) => x - (before[i] ?? 0)))).toBeCloseTo(0.01 * Math.sqrt(12), 12);
    expect(before).not.toEqual(start);
    const cubic = perTensor({ name: 'cubic', state: ({ shape }) => ({ c: { shape, kind: 'cubic' } }), apply: () => ({}) });
    expect(() => make({ inner: cubic }, [2, 2])).toThrow(KindError);
    expect(make({ inner: adam({ name: 'mine' }) }, [2, 2]).state['soap/mine.m:w']).toBeDefined();
  });
});

describe('cost', () => {
  const programOf = (optimizer: Made, name: string): Program => {
    const found = optimizer.explain(30).programs.find((program) => program.name === name);
    if (found === undefined) throw new Error(`no program '${name}'`);
    return found.program;
  };
  const count = (program: Program, op: string): number => program.nodes.filter(({ operation }) => operation.op === op).length;

  it.each([
    [64, 64],
    [96, 32],
    [24, 128],
  ])('an ordinary call on [%i, %i] is 6mn(m+n) and a little', (m, n) => {
    const explained = make({}, [m, n]).explain(30);
    const step = explained.programs.find(({ name }) => name === 'step');
    expect(step?.flops).toBeLessThanOrEqual(6 * m * n * (m + n) + 30 * m * n + 4 * (m * m + n * n));
    expect(step?.flops).toBeGreaterThan(5 * m * n * (m + n));
  });

  it('one power product per axis and refresh', () => {
    const optimizer = make({}, [8, 6]);
    const [step, refresh] = [programOf(optimizer, 'step'), programOf(optimizer, 'refresh')];
    expect(count(step, 'matmul')).toBe(6);
    // Per axis A·Q; and m, back and forth.
    expect(count(refresh, 'matmul')).toBe(6 + 2 + 4);
    expect([count(refresh, 'orthonormalize'), count(refresh, 'argsort'), count(refresh, 'eigh')]).toEqual([2, 2, 0]);
    expect([count(programOf(optimizer, 'start'), 'eigh'), count(step, 'orthonormalize')]).toEqual([2, 0]);
  });

  it('four programs in a thousand calls with a schedule: check, start, step, refresh', () => {
    const optimizer = make({ learningRate: cosine({ from: 3e-3, steps: 1000 }) }, [3, 2]);
    const seen: number[] = [];
    for (let call = 0; call < 1000; call++) {
      optimizer.step({ w: gradientAt(call, 6) });
      seen.push(optimizer.programs);
    }
    expect(Math.max(...seen)).toBe(4);
    expect(values(optimizer.parameters.w).every(Number.isFinite)).toBe(true);
  });
});

describe('no active axis', () => {
  it('is elementwise work only', () => {
    const step = make({ maxPreconditionDim: 1 }, [4, 4])
      .explain(5)
      .programs.find(({ name }) => name === 'step');
    expect(step?.program.nodes.some(({ operation }) => operation.op === 'matmul')).toBe(false);
  });
});
