import { reference } from '@opt/backend-reference';
import { adamw } from '@opt/transforms';
import { createWorker, type Worker, type WorkerOptions } from '../index.ts';

/** Where every test model starts. */
export const parameters = {
  w: { shape: [6, 4], data: Array.from({ length: 24 }, (_, i) => Math.cos(i)) },
  b: { shape: [5], data: [1, -1, 2, 0, 0.5] },
};

/** The gradients of worker `k` at its step `t`: towards a point of its own. */
export function gradients(k: number, t: number, at: Readonly<Record<string, ArrayLike<number>>>): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(at).map(([name, value]) => [
      name,
      Float32Array.from(value, (x, i) => x - Math.sin(1 + k + i) + 0.3 * Math.sin(7 * t + 3 * k + i)),
    ]),
  );
}

export const make = (k: number, options: Pick<WorkerOptions, 'mailbox'> & Partial<WorkerOptions>): Promise<Worker> =>
  createWorker({
    transform: adamw({ learningRate: 0.05, weightDecay: 0 }),
    parameters,
    backend: reference({ precision: 'f32' }),
    run: 'test',
    worker: `w${k}`,
    syncEvery: 2,
    ...options,
  });

/** Steps of one worker; after each turn `onTurn` is told the digest of the common parameters. */
export async function train(
  worker: Worker,
  k: number,
  steps: number,
  onTurn: (turn: number, digest: string) => void = () => {},
): Promise<void> {
  for (let t = 0; t < steps; t++) {
    const at = Object.fromEntries(
      await Promise.all(Object.keys(parameters).map(async (name) => [name, (await worker.parameters[name]) ?? []] as const)),
    );
    if ((await worker.step(gradients(k, t, at))) !== undefined) onTurn(worker.turn, await worker.digest());
  }
}
