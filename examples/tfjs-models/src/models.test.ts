import { memory, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { adam, optimizers } from './optimizers.ts';
import type { Training } from './program.ts';
import { programs } from './programs.ts';

const epochs = 6;

async function train(training: Training, n: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < n; i++) losses.push(await training.epoch());
  return losses;
}

beforeAll(async () => {
  await setBackend('cpu');
});

describe.each(programs)('$name', ({ start, game = false }) => {
  const log = vi.spyOn(console, 'warn').mockImplementation(() => {});
  afterAll(() => log.mockRestore());
  /** Losses of tfjs's own Adam. */
  let own: readonly number[] = [];

  beforeAll(async () => {
    const training = start(adam);
    own = await train(training, epochs);
    training.dispose();
  });

  it.each(Object.entries(optimizers))('%s: trains, keeps no tensors, saves, and goes on to the last digit', async (name, make) => {
    log.mockClear();
    const training = start(make);
    const losses = await train(training, 2);
    const settled = memory().numTensors;
    losses.push(...(await train(training, 2)));
    expect(memory().numTensors).toBe(settled);
    const resumed = await training.resumed();
    expect(resumed.weights()).toEqual(training.weights());
    const [rest, again] = [await train(training, epochs - 4), await train(resumed, epochs - 4)];
    expect(again).toEqual(rest);
    expect(resumed.weights()).toEqual(training.weights());
    losses.push(...rest);
    const [first = 0, last = 0] = [own[0], own.at(-1)];
    // AdamW without decay is Adam; the others go at least a quarter of its way, at rates that were not tuned.
    if (name === 'adamw') for (const [i, loss] of losses.entries()) expect(loss).toBeCloseTo(own[i] ?? 0, 3);
    else if (!game) expect(losses.at(-1)).toBeLessThan(first - (first - last) / 4);
    // What takes long, or is skipped, is said.
    expect(log.mock.calls.filter(([line]) => String(line).startsWith('@opt'))).toEqual([]);
    training.dispose();
    resumed.dispose();
  });
});
