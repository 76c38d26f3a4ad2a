import { wasm } from '@opt/backend-wasm';
import type { Narrowed } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { judge } from '../sweep/protocol/judge.ts';
import { train } from '../sweep/protocol/train.ts';
import type { TaskName } from '../tasks/task.ts';
import { tasks } from '../tasks/tasks.ts';

/** Training losses of SOAP + normalize-EMA with its state held in some way. */
export interface Trained {
  readonly task: TaskName;
  readonly held: string;
  readonly rate: number;
  readonly steps: number;
  /** Smallest smoothed training loss, by seed. */
  readonly losses: readonly number[];
  readonly mean: number;
}

/** The rates that were best in f32, of the sweep on record. */
const problems: readonly { readonly task: TaskName; readonly rate: number }[] = [
  { task: 'mlp-mini-batch', rate: 10 ** -2.25 },
  { task: 'convnet', rate: 10 ** -2.5 },
];

/** Full runs of both tasks, three seeds each; `onRun` hears of each when it is over. */
export async function measureLosses(
  holds: readonly (readonly [string, Narrowed | undefined])[],
  onRun: (text: string) => void,
  only: readonly TaskName[] = problems.map(({ task }) => task),
  seeds: readonly number[] = [0, 1, 2],
): Promise<Trained[]> {
  const results: Trained[] = [];
  for (const { task: name, rate } of problems.filter(({ task: one }) => only.includes(one))) {
    const task = await tasks[name]();
    for (const [held, stateDtype] of holds) {
      const losses: number[] = [];
      for (const seed of seeds) {
        const rule = normalizeEma({ base: soap({ learningRate: rate, weightDecay: 0 }) });
        const untested = { start: (chosen: number) => task.start(chosen), testEvery: undefined };
        const run = await train({ task: untested, rule, backend: wasm(), seed, steps: task.steps, stateDtype });
        losses.push(judge(run, task.smoothingSigma).score);
        onRun(`${name}, ${held}, seed ${seed}: ${losses.at(-1)?.toPrecision(4)} in ${run.seconds.toFixed(0)} s`);
      }
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      results.push({ task: name, held, rate, steps: task.steps, losses, mean });
    }
  }
  return results;
}
