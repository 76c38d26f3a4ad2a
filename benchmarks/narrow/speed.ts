import { wasm } from '@opt/backend-wasm';
import { createOptimizer, type Narrowed, type Rule, type Shape } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import { interleave } from '../src/bench/interleave.ts';

/** One optimizer with its state held in some way. */
export interface Held {
  readonly optimizer: string;
  readonly model: string;
  readonly held: string;
  readonly bytes: number;
  readonly parameters: number;
  /** Processor seconds of a step, the median of turns taken one after the other; and divided by those of f32. */
  readonly seconds: number;
  readonly ratio: number;
}

const perceptron: Readonly<Record<string, Shape>> = {
  w1: [784, 512],
  b1: [512],
  w2: [512, 512],
  b2: [512],
  w3: [512, 10],
  b3: [10],
};

/** Vectors in a byte; SOAP's covariances and their eigenvectors with 11 bits: with the 8 of bf16, rounding costs a tenth of the loss. */
export const soapHeld: Narrowed = { vector: 'int8', diagonal: 'int8', symmetric: 'f16', matrix: 'f16' };
/** The covariances in a byte too: small, but eigenvectors of small eigenvalues are lost to rounding. */
export const soapBytes: Narrowed = { vector: 'int8', diagonal: 'int8', symmetric: 'int8', matrix: 'bf16' };

/** How SOAP + normalize-EMA is measured. */
export const soapHolds: readonly (readonly [string, Narrowed | undefined])[] = [
  ['f32', undefined],
  ['bf16', 'bf16'],
  ['int8, matrices f16', soapHeld],
  ['int8, bases bf16', soapBytes],
];

const cases: readonly {
  readonly name: string;
  readonly model: string;
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly make: () => Rule;
  readonly holds: readonly (readonly [string, Narrowed | undefined])[];
}[] = [
  {
    name: 'AdamW',
    model: '1 M',
    shapes: { w: [1000, 1000] },
    make: () => adamw(),
    holds: [
      ['f32', undefined],
      ['bf16', 'bf16'],
      ['f16', 'f16'],
      ['int8', 'int8'],
    ],
  },
  {
    name: 'SOAP + normalize-EMA',
    model: '784-512-512-10',
    shapes: perceptron,
    make: () => normalizeEma({ base: soap() }),
    holds: soapHolds,
  },
];

const size = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

/** Numbers like those of gradients, the same in every run. */
function noise(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32 - 0.5) / 50;
  });
}

/** Steps of all ways to hold state, in turns. */
export async function measureSpeed(rounds: number): Promise<Held[]> {
  const results: Held[] = [];
  for (const { name, model, shapes, make, holds } of cases) {
    const parameters = Object.fromEntries(
      Object.entries(shapes).map(([key, shape], i) => [key, { shape, data: noise(size(shape), i + 1) }]),
    );
    const optimizers = holds.map(([, stateDtype]) =>
      createOptimizer({ transform: make(), backend: wasm(), parameters, ...(stateDtype !== undefined && { stateDtype }) }),
    );
    const gradients = Object.fromEntries(Object.entries(shapes).map(([key, shape], i) => [key, noise(size(shape), i + 100)]));
    const measured = await interleave(
      holds.map(([held], i) => ({
        name: held,
        // A period of SOAP, so that every turn has as many new bases.
        block: 10,
        make: async () => ({
          run: async (iterations: number) => {
            const start = process.cpuUsage();
            for (let step = 0; step < iterations; step++) optimizers[i]?.step(gradients);
            const { user, system } = process.cpuUsage(start);
            return (user + system) / 1e6;
          },
          dispose: async () => optimizers[i]?.dispose(),
        }),
      })),
      { rounds, batch: 0.1, budget: 240 },
    );
    const medians = measured.map((one) => ('samples' in one ? median(one.samples) : Number.NaN));
    holds.forEach(([held], i) => {
      const optimizer = optimizers[i];
      const seconds = medians[i] ?? Number.NaN;
      const parameterCount = Object.values(shapes).reduce((sum, shape) => sum + size(shape), 0);
      results.push({
        ...{ optimizer: name, model, held, parameters: parameterCount, seconds, ratio: seconds / (medians[0] ?? Number.NaN) },
        bytes: optimizer?.stateBytes ?? 0,
      });
    });
  }
  return results;
}

function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
}
