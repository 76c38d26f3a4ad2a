import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { size } from '@opt/core';
import type { Judged } from '../../../benchmarks/tasks/judge.ts';
import { tasks } from '../../../benchmarks/tasks/tasks.ts';
import { Curve } from './curve.ts';
import { mailboxAt } from './mailbox-at.ts';
import type { Order, Progress } from './messages.ts';
import type { Options } from './options.ts';
import { type Member, start } from './team.ts';
import { Together } from './together.ts';

/** All that a run is made of, once the defaults are known. */
export interface Plan extends Options {
  readonly steps: number;
  readonly run: string;
  readonly mailbox: string;
  readonly secret: string;
  readonly parameters: number;
}

/** Processes that run; whoever ends this one stops them. */
export const processes = new Set<Member>();
const begun = (member: Member): Member => {
  processes.add(member);
  return member;
};

export async function planOf(options: Options, folder: string): Promise<Plan> {
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

export interface Watching {
  /** After every sign of life. */
  readonly onProgress?: (team: Together) => void;
  /** With all processes, when they were started. */
  readonly onStart?: (members: readonly Member[]) => void;
  /** Of one of them, where it differs: how much slower, how many steps a turn, in which network namespace, by which address. */
  readonly slowdown?: (index: number) => number;
  readonly every?: (index: number) => number;
  readonly namespace?: (index: number) => string | undefined;
  readonly mailbox?: (index: number) => string;
}

export interface Trained {
  readonly team: Together;
  /** Of each process; undefined where it did not see the end. */
  readonly judged: readonly (Judged | undefined)[];
}

/** N processes, or the one of them that is to run here; kill -9 any of them. */
export async function trainTogether(plan: Plan, folder: string, watching: Watching = {}): Promise<Trained> {
  const { workers, steps, every, mailbox, run } = plan;
  // Whether somebody is there is better said once than by every process.
  await (await mailboxAt(mailbox, run)).close();
  const indices = Array.from({ length: workers }, (_, i) => i).filter((i) => i === (plan.index ?? i));
  const names = indices.map((i) => `worker-${i}`);
  const team = new Together(names, steps, every, workers);
  const checkpoints = plan.checkpoints ?? folder;
  mkdirSync(checkpoints, { recursive: true });
  const told = (): void => watching.onProgress?.(team);
  const members = names.map((worker, position) => {
    const index = indices[position] ?? position;
    const { secret, outer, outerRate, outerMomentum, codec, deadline } = plan;
    const place = watching.mailbox?.(index) ?? mailbox;
    const checkpoint = join(checkpoints, `${worker}.safetensors`);
    const order: Order = {
      ...orderOf(plan),
      index,
      ownEvery: watching.every?.(index) ?? every,
      slowdown: watching.slowdown?.(index) ?? 1,
      together: {
        ...{ worker, workers, mailbox: place, run, secret, outer, outerRate, outerMomentum, codec, deadline, checkpoint },
        attempt: 0,
      },
    };
    const options = {
      onProgress: (progress: Progress): void => {
        team.add(position, progress);
        told();
      },
      onRestart: (): void => {
        team.restarted(position);
        told();
      },
      namespace: watching.namespace?.(index),
    };
    return begun(start(order, options));
  });
  watching.onStart?.(members);
  return { judged: await Promise.all(members.map(({ done }) => done)), team };
}

/** One process with as many samples, and no mailbox: in as many steps of as many batches, or one batch after the other. */
export async function trainAlone(plan: Plan, batches: number): Promise<{ readonly curve: Curve; readonly judged: Judged | undefined }> {
  const curve = new Curve(1, batches);
  const share = plan.workers / batches;
  const order: Order = { ...orderOf(plan), index: 0, batches, steps: plan.steps * share, every: plan.every * share };
  const judged = await begun(start(order, { onProgress: (progress) => curve.add(0, progress) })).done;
  return { curve, judged };
}

const orderOf = ({ task, optimizer, rate, decay, seed, steps, every }: Plan) => ({ task, optimizer, rate, decay, seed, steps, every });
