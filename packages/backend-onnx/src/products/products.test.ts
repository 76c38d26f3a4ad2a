import { relativeError, runProgram } from '@opt/backend-contract';
import { wasm } from '@opt/backend-wasm';
import { type Program, type Shape, size, type Tensor, trace } from '@opt/core';
import { newtonSchulz } from '@opt/geometric';
import { describe, expect, it } from 'vitest';
import { onnx } from '../index.ts';
import { noise } from '../testing/noise.ts';
import { Matrices, partLengths } from './matrices.ts';

const all = { threshold: 0, threads: 1 } as const;

const inputsOf = (program: Program) =>
  Object.fromEntries(program.inputs.map(({ key, shape }, i) => [key, { data: noise(size(shape), i + 1) }]));

/** Holds products in ONNX Runtime against those of the wasm backend. */
async function expectSame(program: Program, sessions: number, tolerance = 2e-6): Promise<void> {
  // Threads decide into how many parts symmetric results are cut.
  for (const threads of [1, 2]) await expectSameOn(threads, program, sessions, tolerance);
}

async function expectSameOn(threads: number, program: Program, sessions: number, tolerance: number): Promise<void> {
  const backend = await onnx({ ...all, threads });
  const inputs = inputsOf(program);
  const expected = await runProgram(wasm(), program, inputs);
  let held = 0;
  const watched = new Proxy(backend, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'compile')
        return async (...given: Parameters<typeof backend.compile>) => {
          const executable = await target.compile(...given);
          held = target.sessions;
          return executable;
        };
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const actual = await runProgram(watched, program, inputs);
  for (const [key, value] of Object.entries(expected))
    expect(relativeError(actual[key] ?? [], Array.from(value)), key).toBeLessThan(tolerance);
  expect(held, 'sessions').toBe(sessions);
  expect(backend.sessions, 'sessions when all is over').toBe(0);
}

const quintic = [3.4445, -4.775, 2.0315] as const;
const iterated = (shape: Shape, route: 'direct' | 'auto') =>
  trace({ x: shape }, ({ x }) => ({ y: newtonSchulz(x, { triples: Array(5).fill(quintic), route }) }));

describe('products of one session', () => {
  it.each([[[64, 64]], [[130, 130]], [[300, 300]], [[517, 517]], [[260, 400]], [[400, 260]]])(
    'Newton–Schulz of %j: fifteen products',
    (shape) => expectSame(iterated(shape, 'direct'), 1, 1e-5),
  );

  it.each([[[256, 700]], [[700, 256]]])('Newton–Schulz of %j through Gram matrices', (shape) =>
    expectSame(iterated(shape, 'auto'), 4, 5e-5),
  );

  it('there and back: Q(QᵀGR)Rᵀ', () =>
    expectSame(
      trace({ G: [96, 40], Q: [96, 96], R: [40, 40] }, ({ G, Q, R }) => ({
        y: Q.matmul(Q.matmul(G, { transposeA: true }).matmul(R)).matmul(R, { transposeB: true }),
      })),
      1,
    ));

  it('a result in another shape, in part, and elementwise work in between', () =>
    expectSame(
      trace({ x: [20, 30], z: [30, 40] }, ({ x, z }) => {
        const y = x.matmul(z);
        return {
          reshaped: y.reshape([40, 20]).matmul(x),
          part: y.slice([0, 0], [10, 40]).matmul(z, { transposeB: true }),
          changed: y.add(1).matmul(z, { transposeB: true }),
          y,
        };
      }),
      2,
    ));
});

describe('symmetric products', () => {
  const grams: readonly (readonly [label: string, f: (x: Tensor) => Readonly<Record<string, Tensor>>])[] = [
    ['of rows', (x) => ({ A: x.matmul(x, { transposeB: true }) })],
    ['of columns', (x) => ({ A: x.matmul(x, { transposeA: true }) })],
    [
      'and a polynomial of them, times something',
      (x) => {
        const A = x.matmul(x, { transposeB: true, alpha: 0.01 });
        const P = A.matmul(A, { alpha: 0.5, add: A, beta: -0.25 });
        return { P, right: P.matmul(x), turned: x.matmul(P, { transposeA: true }), A };
      },
    ],
    [
      'added to a symmetric matrix from outside',
      (x) => {
        const A = x.matmul(x, { transposeB: true, alpha: 0.01 });
        const S = A.square().add(1);
        return { B: S.matmul(S, { alpha: 0.1, add: A, beta: 0.5 }) };
      },
    ],
  ];

  it.each(
    grams.flatMap(([label, f]) =>
      [
        [256, 100],
        [300, 513],
        [517, 64],
      ].map((shape): [string, readonly number[], typeof f] => [label, shape, f]),
    ),
  )('%s, %j: exactly symmetric', async (_, shape, f) => {
    const program = trace({ x: shape }, ({ x }) => f(x));
    const inputs = inputsOf(program);
    const [actual, expected] = [await runProgram(await onnx(all), program, inputs), await runProgram(wasm(), program, inputs)];
    for (const {
      key,
      shape: [rows = 1, columns = 1],
    } of program.outputs) {
      const value = actual[key] ?? new Float64Array(0);
      expect(relativeError(value, Array.from(expected[key] ?? [])), key).toBeLessThan(1e-5);
      if (key === 'A' || key === 'P' || key === 'B')
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < i; j++) if (value[i * columns + j] !== value[j * columns + i]) expect.fail(`${key} ${i} ${j}`);
    }
  });

  it('are cut into parts that make up the whole', () => {
    for (const n of [1, 127, 128, 255, 256, 300, 511, 517, 4096]) {
      const lengths = partLengths(n, new Matrices(4).parts(n));
      expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(n);
      expect(Math.min(...lengths)).toBeGreaterThanOrEqual(Math.min(n, 128));
    }
  });
});

it('f64 products are f64', async () => {
  const program = trace({ x: [40, 40] }, ({ x }) => ({ y: x.wide().matmul(x.wide(), { alpha: 0.5 }) }));
  const inputs = inputsOf(program);
  const [actual, expected] = [await runProgram(await onnx(all), program, inputs), await runProgram(wasm(), program, inputs)];
  expect(relativeError(actual['y'] ?? [], Array.from(expected['y'] ?? []))).toBeLessThan(1e-14);
});
