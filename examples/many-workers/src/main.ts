import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Judged } from '../../../benchmarks/tasks/judge.ts';
import { entrants } from '../../race/src/entrants.ts';
import { duration, figure, percentage } from '../../race/src/figures.ts';
import { type PageWords, report } from '../../race/src/report.ts';
import type { Run } from '../../race/src/train.ts';
import { bytes, display } from './display.ts';
import { help, type Options, parseOptions, UsageError } from './options.ts';
import { planOf, processes, trainAlone, trainTogether } from './teams.ts';

const outcomeLine = ({ lane: { label }, best }: Run, judged: Judged | undefined): string => {
  const { loss = Number.NaN, test } = judged ?? {};
  const accuracy = test?.accuracy === undefined ? '' : `, ${percentage(test.accuracy)}`;
  return `${label.padEnd(18)}  training loss ${figure(loss)} (whole set; of batches at best ${figure(best.loss)}); test loss ${figure(test?.loss ?? Number.NaN)}${accuracy}`;
};

async function train(options: Options, folder: string): Promise<void> {
  const startedAt = performance.now();
  const plan = await planOf(options, folder);
  const { workers, steps, every, task, codec, seed, out, parameters, optimizer, run } = plan;
  const entrant = entrants.find(({ name }) => name === optimizer);
  const { label: inner = optimizer, colour = '#888' } = entrant ?? {};
  const learningRate = plan.rate ?? entrant?.learningRate ?? 0;
  process.stdout.write(
    `${workers} workers at ${plan.mailbox}, run ${run}: ${task}, ${inner}, ${steps} steps each, outer steps every ${every}\n`,
  );
  const show = display(process.stdout);
  const { team, judged } = await trainTogether(plan, folder, { onProgress: (now) => show(now.moment()) });
  const outcomes = [{ run: team.curve.run('together', `${workers} workers`, colour, learningRate), judged: judged[0] }];
  const yardsticks = [
    ...(workers > 1 ? [{ batches: workers, name: 'large', label: 'one, large batches', colour: '#e8890c' }] : []),
    { batches: 1, name: 'alone', label: 'one worker', colour: '#868e96' },
  ];
  for (const yardstick of options.alone && options.index === undefined ? yardsticks : []) {
    const { curve, judged: worth } = await trainAlone(plan, yardstick.batches);
    outcomes.push({ run: curve.run(yardstick.name, yardstick.label, yardstick.colour, learningRate), judged: worth });
  }
  const runs = outcomes.map((outcome) => outcome.run);
  process.stdout.write('\n');
  for (const outcome of outcomes) process.stdout.write(`${outcomeLine(outcome.run, outcome.judged)}\n`);
  const plain = 4 * parameters * steps;
  const traffic = `each sent ${bytes(team.sent)} in ${team.turns} rounds, ${figure(plain / team.sent)} times less than its gradients in f32 (${bytes(plain)})`;
  process.stdout.write(
    `${traffic}\nreplicas ${team.alike ? 'had the same SHA-256 after every round' : 'DIFFERED'}; refused: ${team.refusals}\n`,
  );
  if (options.index === undefined) {
    const words: PageWords = {
      title: `${workers} workers`,
      lede: `${workers} processes, one model: ${task} on MNIST&#8209;1D, ${steps.toLocaleString('en')} steps each of ${inner}, an outer step every ${every}; ${traffic}. Curves are by batches of everybody.`,
      note: 'One worker trains on as many batches: in as many steps, of everybody’s batches, or one batch after the other.',
      settings: [
        ['Task', `${task}, ${parameters.toLocaleString('en')} parameters, seed ${seed}`],
        ['Inner optimizer', `${inner}, learning rate ${figure(learningRate)}${plan.decay ? ', down a cosine to 0' : ''}`],
        ['Outer optimizer', plan.outer],
        ['Codec', codec],
        ['Rounds', `${team.turns}; replicas ${team.alike ? 'alike after each' : 'DIFFERED'}; refused: ${team.refusals}`],
      ],
    };
    const race = { optimizers: [optimizer], steps: steps * workers, batch: 64, seed, backend: 'wasm', sweep: false };
    writeFileSync(out, report({ options: race, runs, elapsedMilliseconds: performance.now() - startedAt, finishedAt: new Date(), words }));
    process.stdout.write(`wrote ${out} after ${duration(performance.now() - startedAt)}\n`);
  }
  if (!team.alike) throw new Error('replicas differed');
}

const folder = mkdtempSync(join(tmpdir(), 'workers-'));
const clean = (): void => {
  for (const member of processes) member.stop();
  rmSync(folder, { recursive: true, force: true });
};
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    clean();
    process.exit(130);
  });

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(help);
  else await train(options, folder);
} catch (error) {
  process.stderr.write(`workers: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  clean();
}
