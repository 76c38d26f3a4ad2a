import { type Codec, table } from '@opt/local-sgd';
import { entrants } from '../../examples/race/src/entrants.ts';
import { tasks } from '../tasks/tasks.ts';
import type { Say } from './say.ts';
import { alone, type Outcome, together } from './simulate.ts';

/** log₁₀ of the inner rate, and of a team: H, the outer rate, the outer momentum, bits. */
type Try = readonly [rate: number, outer?: readonly [every: number, rate: number, momentum: number, bits: 2 | 4]];

const [workers, steps, seed] = [8, 400, 0];
const codecs: Readonly<Record<2 | 4, () => Codec>> = { 2: () => table({ bins: 4 }), 4: () => table({ bins: 16 }) };

const tries: readonly { readonly task: 'mlp-mini-batch' | 'convnet'; readonly optimizer: string; readonly tries: readonly Try[] }[] = [
  {
    task: 'mlp-mini-batch',
    optimizer: 'adamw',
    tries: [
      [-2.5],
      [-2.5, [20, 1, 0, 4]],
      [-2.5, [20, 1, 0.3, 4]],
      [-2.5, [20, 0.7, 0.6, 4]],
      [-2.5, [10, 1, 0, 2]],
      [-2.5, [10, 0.7, 0.9, 2]],
      [-2.25, [10, 1, 0.8, 2]],
      [-2.25, [20, 0.7, 0.9, 4]],
      [-2],
      [-2, [20, 1, 0, 4]],
      [-2, [10, 1, 0.3, 2]],
      [-2, [10, 1.5, 0.3, 2]],
      [-2, [10, 2, 0, 2]],
      [-1.75, [10, 1, 0.3, 2]],
    ],
  },
  { task: 'mlp-mini-batch', optimizer: 'muon', tries: [[-2], [-2, [10, 1, 0.3, 2]]] },
  { task: 'convnet', optimizer: 'adamw', tries: [[-2.5], [-2.5, [20, 1, 0, 4]], [-2]] },
];

const told = ({ loss, test }: Outcome): string =>
  `training ${loss.toPrecision(4)}, test ${test.loss.toFixed(3)}, ${(100 * (test.accuracy ?? 0)).toFixed(1)} %`;

/** What was tried before `quality` was set, all of it on one seed: outer optimizers, rates and codecs of 146 times fewer bytes or more. */
export async function tuning(
  say: Say,
  keep: (found: Readonly<Record<string, unknown>>) => void,
): Promise<Readonly<Record<string, unknown>>> {
  const rows: Record<string, unknown>[] = [];
  const setup = { workers, steps, seed };
  for (const { task: name, optimizer, tries: settings } of tries)
    for (const [exponent, given] of settings) {
      const task = await tasks[name]();
      const entrant = entrants.find((one) => one.name === optimizer);
      if (entrant === undefined || task.batchSize === undefined) throw new Error(`${name} by ${optimizer} cannot be shared`);
      const shared = { workers, steps, seed, batch: task.batchSize, learningRate: 10 ** exponent, make: entrant.make };
      const [every = 0, outerRate = 0, momentum = 0, bits = 4] = given ?? [];
      const outer = { every, learningRate: outerRate, momentum, codec: codecs[bits]() };
      const outcome = given === undefined ? await alone(task, shared) : await together(task, shared, outer);
      const { loss, test, sent, alike } = outcome;
      rows.push({ task: name, optimizer, exponent, ...(given && { every, outerRate, momentum, bits }), loss, test, sent, alike });
      const how = given === undefined ? 'one' : `eight, H ${every}, outer rate ${outerRate}, momentum ${momentum}, ${bits} bits`;
      say(`${name}, ${entrant.label} at 10^${exponent}, ${how}: ${told(outcome)}`);
      keep({ ...setup, rows });
    }
  return { ...setup, rows };
}
