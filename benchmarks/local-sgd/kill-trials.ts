import { runTrial, type Trial, type TrialOutcome } from './kills.ts';
import type { Say } from './say.ts';

const [steps, deadline] = [100, 5000];

const undisturbed = [0, 1, 2].map(
  (seed): Trial => ({ name: `nothing happens, seed ${seed}`, mailbox: 'directory', what: 'nothing', seed }),
);
const kills = Array.from(
  { length: 10 },
  (_, i): Trial => ({
    name: `seven of eight killed, ${i + 1}`,
    mailbox: i % 2 === 0 ? 'directory' : 'nats',
    what: 'kills',
    seed: i % 3,
    draw: i,
  }),
);
const others: readonly Trial[] = [
  { name: 'broker killed, away for 3 s', mailbox: 'nats', what: 'broker', seed: 0 },
  { name: 'broker killed, away for 3 s', mailbox: 'redis', what: 'broker', seed: 1 },
  { name: 'one ten times slower', mailbox: 'directory', what: 'slow', seed: 0 },
  { name: 'one ten times slower, with a tenth of the steps', mailbox: 'directory', what: 'slow, fewer steps', seed: 0 },
  { name: 'three cut off for 15 s', mailbox: 'nats', what: 'partition', seed: 0 },
];

export async function killTrials(
  say: Say,
  keep: (found: Readonly<Record<string, unknown>>) => void,
): Promise<Readonly<Record<string, unknown>>> {
  const outcomes: TrialOutcome[] = [];
  const skipped: string[] = [];
  for (const trial of [...others, ...kills, ...undisturbed]) {
    const outcome = await runTrial(trial, trial.what.startsWith('slow') ? 2 * steps : steps, deadline);
    if (outcome === undefined) {
      skipped.push(trial.name);
      say(`${trial.name}: not tried, it needs root and ip`);
      continue;
    }
    outcomes.push(outcome);
    keep({ workers: 8, steps, deadline, outcomes, skipped });
    const { name, mailbox, judged, turns, killed, restarts, alike, counted, refused, seconds } = outcome;
    const loss = `loss ${judged?.loss.toPrecision(4)}, test ${judged?.test.loss.toPrecision(4)}`;
    say(
      `${name}, ${mailbox}: ${loss}, ${turns} rounds, ${killed} killed, ${restarts} came back, counted ${counted.join(' ')}, ${alike ? 'alike' : 'DIFFERENT'}, refused ${refused}, ${seconds.toFixed(0)} s`,
    );
  }
  return { workers: 8, steps, deadline, outcomes, skipped };
}
