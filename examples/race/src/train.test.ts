import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GradientEngine, gradientEngine } from './gradient-engine.ts';
import { mnist1d } from './mnist1d.ts';
import type { ParameterValues } from './model.ts';
import { type Lane, train } from './train.ts';

let engine: GradientEngine;
beforeAll(async () => {
  engine = await gradientEngine();
});
afterAll(() => engine.dispose());

const data = mnist1d();

/** Gradient descent in three lines, so that the race is tested apart from the optimizers. */
const descent = (name: string, learningRate: number): Lane & { disposed: number } => ({
  name,
  label: name,
  colour: '#000000',
  learningRate,
  disposed: 0,
  async make(initial: ParameterValues) {
    const parameters = Object.fromEntries(Object.entries(initial).map(([key, values]) => [key, values.slice()]));
    return {
      parameters: async () => parameters,
      step: async (gradients) => {
        for (const [key, values] of Object.entries(parameters)) {
          const gradient = gradients[key] ?? new Float32Array(values.length);
          for (const [i, slope] of gradient.entries()) values[i] = (values[i] ?? 0) - learningRate * slope;
        }
      },
      dispose: () => {
        this.disposed++;
      },
    };
  },
});

const base = { steps: 60, batch: 64, seed: 0, data, test: true } as const;

test('equal lanes do equal things; losses are those before the update; tests stand before steps 1, 51 and after the last', async () => {
  const seen: number[] = [];
  const lanes = [descent('one', 0.1), descent('two', 0.1), descent('slow', 0.001)];
  const [one, two, slow] = await train({ ...base, lanes, engine, onStep: (step) => seen.push(step) });
  expect(one?.losses).toHaveLength(60);
  expect(one?.losses[0]).toBeCloseTo(2.301103, 5);
  expect(two?.losses).toEqual(one?.losses);
  expect(slow?.losses[0]).toBe(one?.losses[0]);
  expect(slow?.losses[20]).not.toBe(one?.losses[20]);
  expect(one?.tests.map(({ afterStep }) => afterStep)).toEqual([0, 50, 60]);
  expect(one?.best.loss).toBe(Math.min(...(one?.smoothedLosses ?? [])));
  expect(one?.finalLoss).toBe(one?.smoothedLosses.at(-1));
  expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  expect(lanes.map(({ disposed }) => disposed)).toEqual([1, 1, 1]);
});

test('a diverged lane stops there and the others go on', async () => {
  const [wild, calm] = await train({ ...base, lanes: [descent('wild', 1e9), descent('calm', 0.1)], engine });
  expect(wild?.diverged).toBe(true);
  expect(wild?.losses.length).toBeLessThan(60);
  expect(wild?.finalLoss).toBeNaN();
  expect(calm?.diverged).toBe(false);
  expect(calm?.losses).toHaveLength(60);
});

test('a failure on the way frees every optimizer', async () => {
  const lanes = [descent('one', 0.1), descent('two', 0.1)];
  const onStep = (step: number) => {
    if (step === 3) throw new Error('enough');
  };
  await expect(train({ ...base, lanes, engine, onStep })).rejects.toThrow('enough');
  expect(lanes.map(({ disposed }) => disposed)).toEqual([1, 1]);
});
