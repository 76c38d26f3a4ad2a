import { type ReferenceBackend, type ReferenceBuffer, reference } from '@opt/backend-reference';
import {
  BackendError,
  createOptimizer,
  type Deferral,
  hyper,
  type Program,
  rule,
  ShapeError,
  type Transform,
  TransformError,
  trace,
} from '@opt/core';
import { descend } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { refreshed } from './kronecker-eigenbasis.ts';
import { type SoapOptions, soap } from './soap.ts';

interface Started {
  readonly program: Program;
  /** Does the work, then lets whoever waits hear of it. */
  finish(): Promise<void>;
  fail(error: Error): Promise<void>;
}

type Deferring = ReferenceBackend & { readonly deferral: Deferral<ReferenceBuffer>; readonly started: Started[]; alive: number };

/** The reference backend, with factorisations of `least` columns or more done beside the steps, when a test says so. */
function deferring(least = 5): Deferring {
  const base = reference();
  const started: Started[] = [];
  const factorised: ReadonlySet<string> = new Set(['eigh', 'orthonormalize']);
  const told = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const backend: Deferring = Object.assign(base, {
    started,
    alive: 0,
    deferral: {
      defers: ({ nodes }: Program) =>
        nodes.some(({ operation, inputs: [at = -1] }) => factorised.has(operation.op) && (nodes[at]?.shape.at(-1) ?? 0) >= least),
      compile(program: Program, bind: (key: string) => ReferenceBuffer) {
        const executable = base.compile(program, bind);
        backend.alive++;
        return {
          run: (scalars: Float64Array) =>
            new Promise<void>((resolve, reject) => {
              started.push({
                program,
                finish() {
                  executable.run(scalars);
                  resolve();
                  return told();
                },
                fail(error) {
                  reject(error);
                  return told();
                },
              });
            }),
          dispose: () => {
            backend.alive--;
          },
        };
      },
    },
  });
  return backend;
}

const last = ({ started }: Deferring): Started => {
  const job = started.at(-1);
  if (job === undefined) throw new Error('nothing was started');
  return job;
};

/** Noise of full rank, never the same twice. */
const gradientAt = (t: number, n = 18): number[] => Array.from({ length: n }, (_, i) => Math.sin(t * 12.9898 + i * (i + 3) * 4.1414) * 1.5);
const values = (x: ArrayLike<number> | undefined): number[] => Array.from(x ?? []);
type Matrix = readonly (readonly number[])[];
const rows = (x: readonly number[], n: number): Matrix => Array.from({ length: x.length / n }, (_, i) => x.slice(i * n, (i + 1) * n));
const T = (a: Matrix): Matrix => (a[0] ?? []).map((_, j) => a.map((row) => row[j] ?? 0));
const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => T(b).map((column) => row.reduce((sum, x, k) => sum + x * (column[k] ?? 0), 0)));
const zip = (a: Matrix, b: Matrix, f: (x: number, y: number) => number): Matrix =>
  a.map((row, i) => row.map((x, j) => f(x, b[i]?.[j] ?? 0)));
const eye = (n: number): Matrix => Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j)));
const zeros = (m: number, n: number): Matrix => Array.from({ length: m }, () => new Array<number>(n).fill(0));
const permuted = (a: Matrix, order: readonly number[]): Matrix => order.map((i) => a[i] ?? []);

/** One power iteration, on its own. */
function refreshOf(A: Matrix, Q: Matrix): { Q: Matrix; order: number[] } {
  const d = A.length;
  const backend = reference();
  const program = trace({ A: [d, d], Q: [d, d] }, ({ A: a, Q: q }) => {
    const { Q: next, order } = refreshed(a, q);
    return { next, order: order.working() };
  });
  const buffers = new Map(
    [...program.inputs, ...program.outputs].map(({ key, shape, dtype }) => [key, backend.create('output', key, shape, dtype)]),
  );
  const buffer = (key: string): ReferenceBuffer => buffers.get(key) ?? { data: new Float64Array(0) };
  backend.write(buffer('A'), A.flat());
  backend.write(buffer('Q'), Q.flat());
  backend.compile(program, buffer).run(new Float64Array(0));
  return { Q: rows(values(buffer('next').data), d), order: values(buffer('order').data) };
}

function expectClose(received: readonly number[], expected: Matrix, label: string): void {
  const wanted = expected.flat();
  for (const [i, x] of received.entries()) expect(x, `${label}, element ${i}`).toBeCloseTo(wanted[i] ?? Number.NaN, 11);
}

const start = (seed = 0, n = 18): number[] => gradientAt(1000 + seed, n);
const plain: SoapOptions = { weightDecay: 0, preconditionFrequency: 5, learningRate: 0.1 };
const make = (backend: ReferenceBackend, options: SoapOptions = plain) =>
  createOptimizer({ transform: soap(options), parameters: { w: { shape: [6, 3], data: start() } }, backend });
const makeTwo = (backend: ReferenceBackend) =>
  createOptimizer({
    transform: soap(plain),
    parameters: { a: { shape: [6, 3], data: start() }, b: { shape: [6, 3], data: start(1) } },
    backend,
  });

describe('a basis that comes late', () => {
  it('is SOAP by hand: the long axis goes on with what it had, and everything turns in the step that is given the new one', async () => {
    const backend = deferring();
    const optimizer = make(backend);
    const basis = make(reference());
    basis.step({ w: gradientAt(1) });
    const first = rows(values(basis.state['soap.Q0:w']), 6);

    let [Q0, Q1] = [eye(6), rows(values(basis.state['soap.Q1:w']), 3)];
    let [A0, A1] = [zeros(6, 6), zeros(3, 3)];
    let [m, v, p] = [zeros(6, 3), zeros(6, 3), rows(start(), 3)];
    // In which call something is asked for, and in which it is there. Call 16 asks for nothing: what call 11 wants is under way.
    const done = new Map([
      [4, 1],
      [9, 6],
      [18, 11],
    ]);
    let asked: { A: Matrix; Q: Matrix } = { A: A0, Q: Q0 };
    for (let call = 1; call <= 22; call++) {
      if (done.has(call)) await last(backend).finish();
      optimizer.step({ w: gradientAt(call) });
      const G = rows(gradientAt(call), 3);
      const decayed = (A: Matrix, S: Matrix): Matrix => zip(A, S, (a, s) => 0.95 * a + 0.05 * s);
      if (call > 1) {
        const g = product(product(T(Q0), G), Q1);
        m = zip(m, g, (a, b) => 0.95 * a + 0.05 * b);
        v = zip(v, g, (a, b) => 0.95 * a + 0.05 * b * b);
        const t = call - 1;
        const rate = (0.1 * Math.sqrt(1 - 0.95 ** t)) / (1 - 0.95 ** t);
        const step = product(
          product(
            Q0,
            zip(m, v, (a, b) => a / (Math.sqrt(b) + 1e-8)),
          ),
          T(Q1),
        );
        p = zip(p, step, (a, b) => a - rate * b);
      }
      [A0, A1] = [decayed(A0, product(G, T(G))), decayed(A1, product(T(G), G))];
      const [old0, old1] = [Q0, Q1];
      const due = call > 1 && (call - 1) % 5 === 0;
      if (done.get(call) === 1) {
        Q0 = first;
        v = product(
          zip(T(first), T(first), (a, b) => a * b),
          v,
        );
      } else if (done.has(call)) {
        const next = refreshOf(asked.A, asked.Q);
        Q0 = next.Q;
        v = permuted(v, next.order);
      }
      if (due) {
        const next = refreshOf(A1, Q1);
        Q1 = next.Q;
        v = T(permuted(T(v), next.order));
      }
      m = product(product(product(T(Q0), old0), m), product(T(old1), Q1));
      if (call === 6 || call === 11) asked = { A: A0, Q: Q0 };
      const here = { Q0, Q1, A0, A1, m, v };
      for (const [name, expected] of Object.entries(here)) {
        const key = name === 'm' || name === 'v' ? `soap/adam.${name}:w` : `soap.${name}:w`;
        expectClose(values(optimizer.state[key]), expected, `${key} after call ${call}`);
      }
      expectClose(values(optimizer.parameters.w), p, `w after call ${call}`);
    }
    expect(backend.started).toHaveLength(4);
    // The check, the first call; steps with nothing under way, with something, given the first basis, given a later one; two refreshes.
    expect(optimizer.programs).toBe(8);
  });

  it('that the backend does not defer comes at once: the same programs as anywhere', () => {
    const [one, other] = [make(deferring(7)), make(reference())];
    for (let call = 1; call <= 12; call++) for (const optimizer of [one, other]) optimizer.step({ w: gradientAt(call) });
    expect(values(one.parameters.w)).toEqual(values(other.parameters.w));
    expect(values(one.state['soap.Q0:w'])).toEqual(values(other.state['soap.Q0:w']));
    expect(one.programs).toBe(other.programs);
  });

  it('is asked for by all parameters in one go, and no program or buffer is made after the first round', async () => {
    const backend = deferring();
    const optimizer = makeTwo(backend);
    const counted: [buffers: number, compiled: number, alive: number][] = [];
    for (let call = 1; call <= 42; call++) {
      optimizer.step({ a: gradientAt(call), b: gradientAt(-call) });
      if (call % 5 === 3) await last(backend).finish();
      if (call % 10 === 0) counted.push([backend.buffers, optimizer.programs, backend.alive]);
    }
    // Asked for by calls 1, 6, 11, …, 41.
    expect(backend.started).toHaveLength(9);
    expect(backend.started.every(({ program }) => program.outputs.filter(({ key }) => key.endsWith('.Q')).length === 2)).toBe(true);
    expect(new Set(counted.slice(1).map(String)).size).toBe(1);
    expect(backend.alive).toBe(1);
    optimizer.dispose();
    await last(backend).finish();
    expect([backend.buffers, backend.alive]).toEqual([0, 0]);
  });

  it('waits for a parameter that has no gradient when it comes', async () => {
    const backend = deferring();
    const optimizer = makeTwo(backend);
    const bases = (): string[] => ['a', 'b'].map((name) => String(values(optimizer.state[`soap.Q0:${name}`])));
    optimizer.step({ a: gradientAt(1), b: gradientAt(-1) });
    const [identity] = bases();
    await last(backend).finish();
    optimizer.step({ a: gradientAt(2) });
    expect(bases()[0]).not.toBe(identity);
    expect(bases()[1]).toBe(identity);
    optimizer.step({ a: gradientAt(3), b: gradientAt(-3) });
    expect(bases()[1]).not.toBe(identity);
    // From here on b is one call behind, so each asks in a step of its own.
    for (let call = 4; call <= 7; call++) optimizer.step({ a: gradientAt(call), b: gradientAt(-call) });
    expect(backend.started).toHaveLength(3);
    const [, before] = bases();
    await backend.started[2]?.finish();
    optimizer.step({ a: gradientAt(8), b: gradientAt(-8) });
    expect(bases()[1]).not.toBe(before);
    const [after] = bases();
    await backend.started[1]?.finish();
    optimizer.step({ a: gradientAt(9), b: gradientAt(-9) });
    expect(bases()[0]).not.toBe(after);
  });
});

describe('what is under way', () => {
  it('is not in a checkpoint, and what a load finds under way never lands', async () => {
    const backend = deferring();
    const optimizer = make(backend);
    for (let call = 1; call <= 3; call++) optimizer.step({ w: gradientAt(call) });
    const file = optimizer.save();
    const other = make(reference());
    expect(optimizer.load(file)).toEqual({ missing: [], surplus: [] });
    other.load(file);
    const { buffers } = backend;
    await last(backend).finish();
    expect(backend.buffers).toBeLessThan(buffers);
    for (let call = 4; call <= 5; call++) for (const one of [optimizer, other]) one.step({ w: gradientAt(call) });
    expect(values(optimizer.parameters.w)).toEqual(values(other.parameters.w));
    expect(values(optimizer.state['soap.Q0:w'])).toEqual(eye(6).flat());
    // The next refresh asks anew.
    optimizer.step({ w: gradientAt(6) });
    expect(backend.started).toHaveLength(2);
    await last(backend).finish();
    optimizer.step({ w: gradientAt(7) });
    expect(values(optimizer.state['soap.Q0:w'])).not.toEqual(eye(6).flat());
  });

  it('a load also drops what has arrived and was not used yet', async () => {
    const backend = deferring();
    const optimizer = make(backend);
    optimizer.step({ w: gradientAt(1) });
    const file = optimizer.save();
    await last(backend).finish();
    optimizer.load(file);
    optimizer.step({ w: gradientAt(2) });
    expect(values(optimizer.state['soap.Q0:w'])).toEqual(eye(6).flat());
  });

  it('keeps its buffers until it ends, also where the optimizer is gone', async () => {
    for (const end of ['finish', 'fail'] as const) {
      const backend = deferring();
      const optimizer = make(backend);
      optimizer.step({ w: gradientAt(1) });
      optimizer.dispose();
      // A covariance in, a basis out.
      expect(backend.buffers).toBe(2);
      await last(backend)[end](new Error('too late to matter'));
      expect([backend.buffers, backend.alive]).toEqual([0, 0]);
    }
  });

  it('that fails is told by the next step, which changes nothing; the one after goes on', async () => {
    const backend = deferring();
    const optimizer = make(backend);
    optimizer.step({ w: gradientAt(1) });
    optimizer.step({ w: gradientAt(2) });
    const before = optimizer.save();
    const cause = new Error('no worker');
    await last(backend).fail(cause);
    const step = (): void => optimizer.step({ w: gradientAt(3) });
    expect(step).toThrow(expect.objectContaining({ code: 'backend', cause }));
    expect(optimizer.save()).toEqual(before);
    expect(step).not.toThrow();
    for (let call = 4; call <= 6; call++) optimizer.step({ w: gradientAt(call) });
    expect(backend.started).toHaveLength(2);
    await last(backend).finish();
    optimizer.step({ w: gradientAt(7) });
    expect(values(optimizer.state['soap.Q0:w'])).not.toEqual(eye(6).flat());
  });

  it('that cannot even be compiled is told in the same way', async () => {
    const backend = deferring();
    const broken = Object.assign(backend, {
      deferral: {
        ...backend.deferral,
        compile: () => {
          throw new BackendError('no memory');
        },
      },
    });
    const optimizer = make(broken);
    optimizer.step({ w: gradientAt(1) });
    await optimizer.settled();
    expect(() => optimizer.step({ w: gradientAt(2) })).toThrow(/deferred computation failed.*no memory.*'soap.Q0:w'/);
  });

  it('can be waited for', async () => {
    const backend = deferring();
    const optimizer = make(backend);
    optimizer.step({ w: gradientAt(1) });
    let over = false;
    const settled = optimizer.settled().then(() => {
      over = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    await last(backend).finish();
    await settled;
    optimizer.step({ w: gradientAt(2) });
    expect(values(optimizer.state['soap.Q0:w'])).not.toEqual(eye(6).flat());
    await make(reference()).settled();
  });
});

describe('a computation for later', () => {
  const factor = hyper('stage', 'factor', 2);
  const stage = (later: Transform['apply']): Transform => ({ name: 'stage', declare: (_, at) => at.hyper(factor), apply: later });
  const tried = (transform: Transform): void =>
    createOptimizer({
      transform: rule(transform, descend({ learningRate: 1 })),
      parameters: { w: { shape: [6, 6], data: new Float64Array(36) } },
      backend: deferring(),
    }).step({ w: gradientAt(1, 36) });

  it('reads its inputs only', () => {
    const reading = stage((flow, site) => {
      const { w } = flow.updates;
      if (w !== undefined)
        site.later(
          'Q',
          'w',
          true,
          () => ({ w }),
          (given) => ({ Q: given.w.mul(site.hyper(factor)).orthonormalize('zero') }),
        );
      return flow;
    });
    expect(() => tried(reading)).toThrow(ShapeError);
    expect(() => tried(reading)).toThrow(/'.Q:w' computes later must be of its inputs/);
  });

  it('is asked for once a step', () => {
    const twice = stage((flow, site) => {
      for (let i = 0; i < 2; i++)
        site.later(
          'Q',
          'w',
          false,
          () => ({}),
          () => ({}),
        );
      return flow;
    });
    expect(() => tried(twice)).toThrow(TransformError);
  });
});
