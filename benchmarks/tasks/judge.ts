import type { Task, Tested, Values } from './task.ts';

/** What a model is worth once it is trained. */
export interface Judged {
  /** Mean loss over all 4000 samples of MNIST-1D that it was trained on. */
  readonly loss: number;
  readonly test: Tested;
}

/** One batch after the other, whichever they are: together the whole training set. */
const [batchSize, batches, seed] = [500, 8, 77];

/** Of a task on MNIST-1D. */
export async function judge(task: Task, parameters: Values): Promise<Judged> {
  const run = await task.start(seed, batchSize);
  let loss = 0;
  for (let i = 0; i < batches; i++) loss += run.step(parameters).loss / batches;
  const test = run.test?.(parameters);
  run.dispose();
  if (test === undefined) throw new Error(`${task.name} has no test set`);
  return { loss, test };
}
