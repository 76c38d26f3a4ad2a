import { table } from '@opt/local-sgd';
import { entrants } from '../../examples/race/src/entrants.ts';
import { tasks } from '../tasks/tasks.ts';
import type { Say } from './say.ts';
import { alone, type Outcome, together } from './simulate.ts';

const workers = 8;
const steps = 200;
const every = 10;
const outer = { every, learningRate: 1, momentum: 0.3 };
const seeds = [0, 1, 2];
const names = ['mlp-mini-batch', 'convnet'] as const;
/** Inner rates, of the team and of one worker alike; which were tried is in the chapter. */
const rates: Readonly<Record<string, number>> = { adamw: 10 ** -2, muon: 10 ** -2, 'soap-normalize-ema': 10 ** -2.25 };
/** Less than this many times the bytes of all-reducing every step in f32 is too little. */
const wanted = 146;

interface Row {
  readonly task: string;
  readonly optimizer: string;
  readonly seed: number;
  readonly together: Outcome;
  readonly alone: Outcome;
  /** Bytes of a step's gradients in f32, over the run, by bytes that a worker sent. */
  readonly fewer: number;
}

const told = ({ loss, test, bestTest }: Outcome): string =>
  `training ${loss.toPrecision(3)}, test ${test.loss.toPrecision(4)} (at best ${bestTest.toPrecision(4)}), ${(100 * (test.accuracy ?? 0)).toFixed(1)} %`;

/** Eight workers beside one with the same samples in each of as many steps. */
export async function quality(
  say: Say,
  keep: (found: Readonly<Record<string, unknown>>) => void,
): Promise<Readonly<Record<string, unknown>>> {
  const rows: Row[] = [];
  const setup = { workers, steps, outer, codec: 'table({ bins: 4 })', rates, wanted };
  for (const seed of seeds)
    for (const name of names)
      for (const [optimizer, learningRate] of Object.entries(rates)) {
        const entrant = entrants.find((one) => one.name === optimizer);
        const task = await tasks[name]();
        if (entrant === undefined || task.batchSize === undefined) throw new Error(`${name} by ${optimizer} cannot be shared`);
        const shared = { workers, steps, batch: task.batchSize, learningRate, make: entrant.make, seed };
        const team = await together(task, shared, { ...outer, codec: table({ bins: 4 }) });
        const one = await alone(task, shared);
        const fewer = (4 * team.parameters * steps) / team.sent;
        rows.push({ task: name, optimizer, seed, together: team, alone: one, fewer });
        say(
          `${name}, ${entrant.label}, seed ${seed}: eight ${told(team)}, ${fewer.toFixed(0)} × fewer bytes, ${team.alike ? 'alike' : 'DIFFERENT'}; one ${told(one)}`,
        );
        keep({ ...setup, rows });
      }
  return { ...setup, rows };
}
