import { wasm } from '@opt/backend-wasm';
import { createOptimizer, isPromise, type MaybePromise, type Transform } from '@opt/core';
import { muon } from '@opt/geometric';
import { createWorker, memoryMailbox, table } from '@opt/local-sgd';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import type { Contender, Entry } from '../src/bench/contender.ts';
import { interleave } from '../src/bench/interleave.ts';
import { median, minimum } from '../src/bench/statistics.ts';
import { tasks } from '../tasks/tasks.ts';
import type { Say } from './say.ts';

const rules: Readonly<Record<string, () => Transform>> = {
  AdamW: () => adamw({ learningRate: 1e-3, weightDecay: 0 }),
  Muon: () => muon({ learningRate: 1e-3 }),
  'SOAP + normalize-EMA': () => normalizeEma({ base: soap({ learningRate: 1e-3, weightDecay: 0 }) }),
};

const bound = 1.02;
const pace = { rounds: 101, batch: 0.05, budget: 60 };
/** Seconds of this process's own, whatever else the machine does. */
const own = (step: () => MaybePromise<unknown>, dispose: () => void): Contender => ({
  async run(iterations) {
    const start = process.cpuUsage();
    for (let i = 0; i < iterations; i++) {
      const stepping = step();
      if (isPromise(stepping)) await stepping;
    }
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  },
  dispose,
});

/** SOAP turns its basis every so many steps. */
const block = 10;

/** An inner step of a worker between rounds beside one of the same optimizer without the outer machinery, on the network of `mlp-mini-batch`. */
export async function innerSteps(say: Say): Promise<Readonly<Record<string, unknown>>> {
  const task = await tasks['mlp-mini-batch']();
  const run = await task.start(0);
  const { parameters } = run;
  const { gradients } = run.step(Object.fromEntries(Object.entries(parameters).map(([name, { data }]) => [name, data])));
  const rows: Record<string, unknown>[] = [];
  for (const [name, rule] of Object.entries(rules)) {
    const entries: readonly Entry[] = [
      {
        name: 'without',
        block,
        async make() {
          const optimizer = createOptimizer({ transform: rule(), parameters, backend: wasm() });
          return own(
            () => optimizer.step(gradients),
            () => optimizer.dispose(),
          );
        },
      },
      {
        name: 'beside',
        block,
        async make() {
          const worker = await createWorker({
            ...{ transform: rule(), parameters, backend: wasm(), mailbox: memoryMailbox(), run: 'inner-steps', worker: 'w0' },
            ...{ codec: table({ bins: 16 }), syncEvery: 1_000_000_000 },
          });
          return own(
            () => worker.step(gradients),
            () => worker.dispose(),
          );
        },
      },
    ];
    const [without, beside] = (await interleave(entries, pace)).map((one) => {
      if (!('samples' in one)) throw new Error(`${name}, ${one.name}: could not be measured`);
      return one.samples;
    });
    if (without === undefined || beside === undefined) throw new Error(`${name}: two contenders were made`);
    // Of neighbours in time, so that what else the machine does falls out.
    const ratio = median(without.map((seconds, i) => (beside[i] ?? 0) / seconds));
    const row = {
      name,
      without: median(without),
      beside: median(beside),
      leastRatio: minimum(beside) / minimum(without),
      ratio,
      turns: without.length,
    };
    rows.push({ ...row, bound, met: ratio <= bound });
    say(
      `${name}: without ${(1e6 * row.without).toFixed(1)} µs, beside ${(1e6 * row.beside).toFixed(1)} µs, ratio of neighbours ${ratio.toFixed(4)}, of the least ${row.leastRatio.toFixed(4)}`,
    );
  }
  run.dispose();
  return { rows };
}
