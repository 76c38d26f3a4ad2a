import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { backendNames } from '../src/backends.ts';
import { UsageError } from '../src/bench/options.ts';
import { taskNames } from '../tasks/task.ts';
import { help } from './help.ts';
import { type Choices, parseOptions, type SweepOptions } from './options.ts';
import { makePlan } from './plan.ts';
import { display } from './progress/display.ts';
import { tracker } from './progress/tracker.ts';
import { writeReports } from './report/write-reports.ts';
import { besideAdamw } from './results/beside-adamw.ts';
import { sweepResults } from './results/results.ts';
import { caveats, winnersText } from './results/tables.ts';
import type { Catalogue } from './runs/catalogue.ts';
import type { Executor } from './runs/executor.ts';
import { localExecutor } from './runs/local-executor.ts';
import { settingsKeys } from './runs/settings-key.ts';
import { countRuns, openStore } from './runs/store.ts';
import { type Pair, sweep } from './sweep.ts';

/** A catalogue, and where worker processes import it from. */
export interface CatalogueModule {
  readonly catalogue: Catalogue;
  readonly url: string;
}

/** `pnpm sweep` from its arguments to its exit code: 0, 1 where a run failed, 2 for bad input. */
export const runSweep = async (args: readonly string[], module: CatalogueModule): Promise<number> => {
  const choices: Choices = {
    tasks: taskNames,
    optimizers: module.catalogue.optimizers.map(({ name }) => name),
    backends: backendNames,
    cores: availableParallelism(),
  };
  try {
    const options = parseOptions(args, choices);
    if (options !== 'help') return await perform(options, module);
    process.stdout.write(help(choices));
    return 0;
  } catch (error) {
    process.stderr.write(`sweep: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
};

const perform = async (options: SweepOptions, module: CatalogueModule): Promise<number> => {
  const { out } = options;
  const { catalogue } = module;
  const plan = await makePlan(options, catalogue);
  const store = await openStore(out, !options.report, (line) => process.stderr.write(`sweep: ${line}\n`));
  if (plan.shortened.length > 0) process.stdout.write(`Shortened: ${plan.shortened.join('; ')}.\n`);
  const executor = options.report ? undefined : await makeExecutor(options, module);
  const steps = (task: string) => plan.tasks.find(({ name }) => name === task)?.steps ?? 1;
  const watch = tracker(plan, display(process.stdout, steps));
  try {
    const pairs = await sweep(plan, {
      catalogue,
      keyOf: settingsKeys(catalogue),
      store,
      tracker: watch,
      ...(executor === undefined ? {} : { executor }),
    });
    if (options.report) await expectRuns(pairs, out);
    const made = { finishedAt: new Date().toISOString(), node: process.versions.node, cpu: cpus()[0]?.model.trim() ?? 'unknown' };
    const results = sweepResults(plan, pairs, catalogue, made, besideAdamw(pairs));
    await writeFile(join(out, 'sweep.json'), `${JSON.stringify(results)}\n`);
    const written = await writeReports(results, out);
    process.stdout.write(`\n${winnersText(results)}\n\n`);
    for (const caveat of caveats(results)) process.stdout.write(`${caveat}\n`);
    process.stdout.write(`Wrote ${['sweep.json', ...written].map((name) => join(out, name)).join(', ')}\n`);
    return pairs.some(({ failures }) => failures.length > 0) ? 1 : 0;
  } finally {
    await executor?.close();
  }
};

/** A report of nothing would overwrite one of something. @throws UsageError */
const expectRuns = async (pairs: readonly Pair[], out: string): Promise<void> => {
  if (pairs.some(({ search }) => search.length > 0)) return;
  const others = await countRuns(out);
  const there =
    others === 0 ? 'none' : `${others} of other settings: a sweep made with --quick, --rates or --backend is reported with the same`;
  throw new UsageError(`--report: expected a folder with finished runs of these settings in --out ${JSON.stringify(out)}, got ${there}`);
};

const makeExecutor = async ({ queue, workers }: SweepOptions, { url }: CatalogueModule): Promise<Executor> => {
  if (queue === undefined) return localExecutor({ workers, catalogueUrl: url });
  const { queueExecutor } = await import('./queue/queue-executor.ts');
  const executor = await queueExecutor(queue);
  process.stdout.write(`Runs wait for workers at ${new URL(queue).host}: pnpm sweep-worker --queue …\n`);
  return executor;
};
