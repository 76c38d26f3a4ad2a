import { existsSync, readFileSync } from 'node:fs';
import { wasm } from '@opt/backend-wasm';
import { saveFile } from '@opt/checkpoint-file';
import { cosine, createOptimizer, type Transform } from '@opt/core';
import { type Codec, chunkedTopK, createWorker, type DilocoOptions, diloco, f16, muloco, none, sparseLoco, table } from '@opt/local-sgd';
import { type Judged, judge } from '../../../benchmarks/tasks/judge.ts';
import type { LossAndGradients, Task, TaskRun, Values } from '../../../benchmarks/tasks/task.ts';
import { tasks } from '../../../benchmarks/tasks/tasks.ts';
import { entrants } from '../../race/src/entrants.ts';
import { mailboxAt } from './mailbox-at.ts';
import type { Message, Order, Progress } from './messages.ts';
import type { CodecName, OuterName } from './options.ts';

const codecs: Readonly<Record<CodecName, () => Codec>> = {
  table: () => table({ bins: 16 }),
  'two-bits': () => table({ bins: 4 }),
  f16,
  sparse: () => chunkedTopK({ chunkSize: 16, keepPerChunk: 8, values: 'statistical', vectorKeep: 'all' }),
  none,
};

const outers: Readonly<Record<OuterName, (options: DilocoOptions) => Transform>> = {
  diloco,
  muloco,
  mean: ({ outerLearningRate }) => sparseLoco(outerLearningRate === undefined ? {} : { outerLearningRate }),
};

/** Who trains: where gradients are taken, a step, and what is tested. */
interface Trainee {
  parameters(): Promise<Values>;
  /** Turns of everybody that have ended. */
  readonly turn: number;
  step(gradients: Values, samples: number): Promise<Progress['turn']>;
  judged(): Promise<Values>;
}

const tell = (message: Message): void => {
  process.send?.(message);
};

/** Far from the seeds of weights. */
const batchSeed = ({ seed, index, together }: Order, more: number): number =>
  1_000_003 + 7919 * seed + 101 * (index + more) + 10_007 * (together?.attempt ?? 0);

const read = async (from: { readonly [name: string]: unknown }, names: readonly string[]): Promise<Values> =>
  Object.fromEntries(
    await Promise.all(
      names.map(async (name) => {
        const value = await from[name];
        if (!(value instanceof Float32Array)) throw new Error(`parameter '${name}' is not in f32`);
        return [name, value] as const;
      }),
    ),
  );

async function trainee(order: Order, transform: Transform, parameters: TaskRun['parameters']): Promise<Trainee> {
  const names = Object.keys(parameters);
  if (order.together === undefined) {
    const optimizer = createOptimizer({ transform, parameters, backend: wasm() });
    const now = (): Promise<Values> => read(optimizer.parameters, names);
    return {
      parameters: now,
      judged: now,
      turn: 0,
      async step(gradients) {
        optimizer.step(gradients);
        return undefined;
      },
    };
  }
  const { mailbox, outer, outerRate, outerMomentum, codec, checkpoint, run, secret, worker: name, workers, deadline } = order.together;
  const worker = await createWorker({
    transform,
    parameters,
    backend: wasm(),
    mailbox: await mailboxAt(mailbox, run),
    run,
    secret,
    worker: name,
    workers,
    deadline,
    syncEvery: order.ownEvery ?? order.every,
    outer: outers[outer]({
      ...(outerRate !== undefined && { outerLearningRate: outerRate }),
      ...(outerMomentum !== undefined && { outerMomentum }),
    }),
    codec: codecs[codec](),
  });
  if (existsSync(checkpoint)) await worker.load(new Uint8Array(readFileSync(checkpoint)));
  await worker.join();
  return {
    parameters: () => read(worker.parameters, names),
    judged: async () => read(await worker.anchors(), names),
    get turn() {
      return worker.turn;
    },
    async step(gradients, samples) {
      const turn = await worker.step(gradients, samples);
      if (turn === undefined) return undefined;
      await saveFile(checkpoint, worker);
      const { sent, refused } = worker.tally;
      return { ...turn, digest: await worker.digest(), turns: worker.turn, sent, refused };
    },
  };
}

/** Of one batch of each run together. */
function mean(runs: readonly TaskRun[], parameters: Values): LossAndGradients {
  const [first, ...others] = runs.map((run) => run.step(parameters));
  if (first === undefined) throw new Error('a step needs a batch');
  const share = 1 / runs.length;
  const gradients = Object.fromEntries(
    Object.entries(first.gradients).map(([name, own]) => [
      name,
      own.map((g, i) => others.reduce((sum, other) => sum + share * (other.gradients[name]?.[i] ?? 0), share * g)),
    ]),
  );
  return { loss: others.reduce((sum, { loss }) => sum + share * loss, share * first.loss), gradients };
}

async function train(order: Order, task: Task): Promise<Judged> {
  const entrant = entrants.find(({ name }) => name === order.optimizer);
  if (entrant === undefined) throw new Error(`no optimizer is called '${order.optimizer}'`);
  const { parameters, test } = await task.start(order.seed);
  const { batches = 1, slowdown = 1, steps, every, ownEvery = every, decay, rate = entrant.learningRate } = order;
  const runs = await Promise.all(Array.from({ length: batches }, (_, i) => task.start(batchSeed(order, i))));
  // Steps as everybody counts them: who comes back, or comes late, goes on where the others are, in the decay too.
  let at = 0;
  const decaying = cosine({ from: rate, steps });
  const one = await trainee(order, entrant.make(decay ? () => decaying(at) : rate), parameters);
  at = one.turn * every;
  let losses: number[] = [];
  let [stepping, deriving] = [0, 0];
  while (at < steps) {
    const before = performance.now();
    const { loss, gradients } = mean(runs, await one.parameters());
    if (slowdown > 1) await new Promise((done) => setTimeout(done, (slowdown - 1) * (performance.now() - before)));
    const between = performance.now();
    const turn = await one.step(gradients, task.batchSize ?? 1);
    at = turn === undefined ? at + every / ownEvery : one.turn * every;
    losses.push(loss);
    stepping += performance.now() - between;
    deriving += between - before;
    if (turn === undefined && (order.together !== undefined || at % every !== 0)) continue;
    const tested = order.index === 0 ? test?.(await one.judged()) : undefined;
    const [stepMilliseconds, gradientMilliseconds] = [stepping / losses.length, deriving / losses.length];
    tell({ progress: { losses, stepMilliseconds, gradientMilliseconds, tested, ...(turn && { turn }) } });
    losses = [];
    [stepping, deriving] = [0, 0];
  }
  return judge(task, await one.judged());
}

process.once('message', (order: Order) => {
  tasks[order.task]()
    .then((task) => train(order, task))
    .then(
      (done) => tell({ done }),
      (error: unknown) => tell({ error: error instanceof Error ? error.message : String(error) }),
    )
    .finally(() => process.exit());
});
