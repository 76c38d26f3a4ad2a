import { readFileSync } from 'node:fs';
import type { TaskName } from '../../tasks/task.ts';
import type { DoneRun, Pair } from '../sweep.ts';
import type { BesideAdamw, RunSummary, SweepResults } from './results.ts';
import { runsAtBest } from './standings.ts';
import { winnerOf } from './winner.ts';

/** AdamW's best losses by task and seed. */
type Yardstick = (task: TaskName, seed: number) => { readonly loss: number; readonly step: number } | undefined;

/** Every other optimizer at its best rate, beside AdamW of the same sweep, or else of the one on record. */
export function besideAdamw(pairs: readonly Pair[], recorded: SweepResults = onRecord()): readonly BesideAdamw[] {
  const own = yardstickOfPairs(pairs);
  const earlier = yardstickOfResults(recorded);
  return pairs
    .filter(({ optimizer, complete }) => optimizer !== 'adamw' && complete)
    .flatMap(({ task, optimizer, steps, ...pair }) =>
      runsAtBestOf(pair).flatMap(({ spec: { seed }, judged, result }): BesideAdamw[] => {
        const adamw = own(task.name, seed) ?? (steps === task.steps ? earlier(task.name, seed) : undefined);
        if (adamw === undefined) return [];
        const at = result.diverged ? -1 : judged.smoothed.findIndex((loss) => loss <= adamw.loss);
        const step = at < 0 ? null : at + 1;
        return [{ task: task.name, optimizer, seed, target: adamw.loss, adamwStep: adamw.step, step, stepsRun: result.losses.length }];
      }),
    );
}

const runsAtBestOf = ({ search, otherSeeds }: Pick<Pair, 'search' | 'otherSeeds'>): readonly DoneRun[] => {
  const winner = winnerOf(search);
  return winner === undefined ? [] : [winner, ...otherSeeds];
};

const yardstickOfPairs =
  (pairs: readonly Pair[]): Yardstick =>
  (task, seed) => {
    const adamw = pairs.find((pair) => pair.task.name === task && pair.optimizer === 'adamw');
    const run = adamw && runsAtBestOf(adamw).find(({ spec, result }) => spec.seed === seed && !result.diverged);
    return run && { loss: run.judged.bestLoss, step: run.judged.bestStep };
  };

const yardstickOfResults =
  ({ tasks }: SweepResults): Yardstick =>
  (task, seed) => {
    const adamw = tasks.find(({ name }) => name === task)?.optimizers.find(({ name }) => name === 'adamw');
    const run: RunSummary | undefined = adamw && runsAtBest(adamw).find((one) => one.seed === seed);
    return run === undefined || run.bestTrainLoss === null ? undefined : { loss: run.bestTrainLoss, step: run.bestAtStep };
  };

const onRecord = (): SweepResults => JSON.parse(readFileSync(new URL('../../results/sweep.json', import.meta.url), 'utf8'));

/**
 * AdamW's steps by those of the other. Of a run that never got there it is at most AdamW's steps by those that were made, which is what
 * counts then.
 */
export const timesFewer = ({ adamwStep, step, stepsRun }: BesideAdamw): number => adamwStep / (step ?? Math.max(stepsRun, adamwStep));

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
