import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { size } from '@opt/core';
import { tasks } from '../../../benchmarks/tasks/tasks.ts';
import { entrants } from '../../race/src/entrants.ts';
import { duration, figure, percentage } from '../../race/src/figures.ts';
import { type PageWords, report } from '../../race/src/report.ts';
import type { Run } from '../../race/src/train.ts';
import { Curve } from './curve.ts';
import { bytes, display } from './display.ts';
import { mailboxAt } from './mailbox-at.ts';
import type { Order } from './messages.ts';
import { help, type Options, parseOptions, UsageError } from './options.ts';
import { type Member, start } from './team.ts';
import { Together } from './together.ts';

/** All that a run is made of, once the defaults are known. */
interface Plan extends Options {
  readonly steps: number;
  readonly run: string;
  readonly mailbox: string;
  readonly secret: string;
  readonly parameters: number;
}

const processes = new Set<Member>();
const begun = <T extends Member>(member: T): T => {
  processes.add(member);
  return member;
};

async function planOf(options: Options, folder: string): Promise<Plan> {
  const task = await tasks[options.task]();
  const { parameters, dispose } = await task.start(options.seed);
  dispose();
  const wanted = options.steps ?? task.steps / options.workers;
  const run = options.run ?? randomUUID();
  return {
    ...options,
    steps: Math.ceil(wanted / options.every) * options.every,
    run,
    mailbox: options.mailbox ?? `dir:${join(folder, 'mailbox')}`,
    secret: process.env['WORKERS_SECRET'] ?? run,
    parameters: Object.values(parameters).reduce((sum, { shape }) => sum + size(shape), 0),
  };
}

/** N processes; kill -9 any of them. */
async function trainTogether(plan: Plan, folder: string): Promise<Together> {
  const { workers, steps, every, task, optimizer, seed, mailbox, run, secret, outer, codec, deadline } = plan;
  // Whether somebody is there is better said once than by every process.
  await (await mailboxAt(mailbox, run)).close();
  const names = Array.from({ length: workers }, (_, i) => `worker-${i}`);
  const team = new Together(names, steps, every);
  const show = display(process.stdout);
  const members = names.map((worker, index) => {
    const checkpoint = join(folder, `${worker}.safetensors`);
    const order: Order = {
      task,
      optimizer,
      seed,
      index,
      steps,
      every,
      together: { worker, workers, mailbox, run, secret, outer, codec, deadline, checkpoint, taken: 0, attempt: 0 },
    };
    const told = (): void => show(team.moment());
    return begun(
      start(
        order,
        (progress) => {
          team.add(index, progress);
          told();
        },
        () => {
          team.restarted(index);
          told();
        },
      ),
    );
  });
  await Promise.all(members.map(({ done }) => done));
  return team;
}

/** One process with as many samples, and no mailbox: in as many steps of as many batches, or one batch after the other. */
async function trainAlone({ workers, steps, every, task, optimizer, seed }: Plan, batches: number): Promise<Curve> {
  const curve = new Curve(1, batches);
  const share = workers / batches;
  const order: Order = { task, optimizer, seed, index: 0, batches, steps: steps * share, every: every * share };
  await begun(start(order, (progress) => curve.add(0, progress))).done;
  return curve;
}

const outcomeLine = (label: string, run: Run): string => {
  const last = run.tests.at(-1);
  const accuracy = last === undefined || Number.isNaN(last.accuracy) ? '' : `, ${percentage(last.accuracy)}`;
  return `${label.padEnd(18)}  training loss ${figure(run.finalLoss)}, best ${figure(run.best.loss)}; test loss ${figure(last?.loss ?? Number.NaN)}${accuracy}`;
};

async function train(options: Options, folder: string): Promise<void> {
  const startedAt = performance.now();
  const plan = await planOf(options, folder);
  const { workers, steps, every, task, codec, seed, out, parameters, optimizer, run } = plan;
  const { learningRate = 0, label: inner = optimizer, colour = '#888' } = entrants.find(({ name }) => name === optimizer) ?? {};
  process.stdout.write(
    `${workers} workers at ${plan.mailbox}, run ${run}: ${task}, ${inner}, ${steps} steps each, outer steps every ${every}\n`,
  );
  const team = await trainTogether(plan, folder);
  const runs = [team.curve.run('together', `${workers} workers`, colour, learningRate)];
  if (options.alone) {
    if (workers > 1) runs.push((await trainAlone(plan, workers)).run('large', 'one, large batches', '#e8890c', learningRate));
    runs.push((await trainAlone(plan, 1)).run('alone', 'one worker', '#868e96', learningRate));
  }
  process.stdout.write('\n');
  for (const { lane, ...rest } of runs) process.stdout.write(`${outcomeLine(lane.label, { lane, ...rest })}\n`);
  const plain = 4 * parameters * steps;
  const traffic = `each sent ${bytes(team.sent)} in ${team.turns} rounds, ${figure(plain / team.sent)} times less than its gradients in f32 (${bytes(plain)})`;
  process.stdout.write(
    `${traffic}\nreplicas ${team.alike ? 'had the same SHA-256 after every round' : 'DIFFERED'}; refused: ${team.refusals}\n`,
  );
  const words: PageWords = {
    title: `${workers} workers`,
    lede: `${workers} processes, one model: ${task} on MNIST&#8209;1D, ${steps.toLocaleString('en')} steps each of ${inner}, an outer step every ${every}; ${traffic}. Curves are by batches of everybody.`,
    note: 'One worker trains on as many batches: in as many steps, of everybody’s batches, or one batch after the other.',
    settings: [
      ['Task', `${task}, ${parameters.toLocaleString('en')} parameters, seed ${seed}`],
      ['Inner optimizer', `${inner}, learning rate ${figure(learningRate)}`],
      ['Outer optimizer', plan.outer],
      ['Codec', codec],
      ['Rounds', `${team.turns}; replicas ${team.alike ? 'alike after each' : 'DIFFERED'}; refused: ${team.refusals}`],
    ],
  };
  const race = { optimizers: [optimizer], steps: steps * workers, batch: 64, seed, backend: 'wasm', sweep: false };
  writeFileSync(out, report({ options: race, runs, elapsedMilliseconds: performance.now() - startedAt, finishedAt: new Date(), words }));
  process.stdout.write(`wrote ${out} after ${duration(performance.now() - startedAt)}\n`);
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
