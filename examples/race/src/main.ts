import { writeFileSync } from 'node:fs';
import { backends, type RaceBackend } from './backends.ts';
import { type Entrant, entrants } from './entrants.ts';
import { milliseconds } from './figures.ts';
import { gradientEngine } from './gradient-engine.ts';
import { help } from './help.ts';
import { learner } from './learner.ts';
import { mnist1d } from './mnist1d.ts';
import { type Choices, parseOptions, type RaceOptions, UsageError } from './options.ts';
import { progress } from './progress.ts';
import { report } from './report.ts';
import { resultTable } from './result-table.ts';
import { type SweepPoint, sweepFactors, sweepPoint } from './sweep.ts';
import { sweepTable } from './sweep-table.ts';
import { type Lane, type Run, train } from './train.ts';

const page = 'race.html';

const choices: Choices = {
  optimizers: entrants.map(({ name }) => name),
  backends,
  sampleCount: 4000,
  defaults: {
    optimizers: entrants.map(({ name }) => name),
    batch: 64,
    seed: 0,
    backend: backends[0].name,
    sweep: false,
  },
};

const race = async (options: RaceOptions): Promise<void> => {
  const data = mnist1d();
  const engine = await gradientEngine();
  const display = progress(process.stdout);
  const startedAt = performance.now();
  const field = options.optimizers.map((name) => named(entrants, name));
  const backend = named(backends, options.backend);
  const heat = (title: string, factor: number): Promise<Run[]> => {
    const heatStartedAt = performance.now();
    return train({
      ...options,
      lanes: field.map((entrant) => lane(entrant, factor, backend)),
      data,
      engine,
      test: factor === 1,
      onStep: (step, lanes) =>
        display.show({ title, step, steps: options.steps, lanes, elapsedMilliseconds: performance.now() - heatStartedAt }),
    });
  };

  try {
    const runs = await heat(options.sweep ? `Race 1/${sweepFactors.length}` : 'Race', 1);
    const sweep: SweepPoint[] = runs.map(sweepPoint);
    if (options.sweep) {
      for (const [index, factor] of sweepFactors.filter((factor) => factor !== 1).entries()) {
        sweep.push(
          ...(await heat(`Race ${index + 2}/${sweepFactors.length}, learning rates × ${factor.toPrecision(3)}`, factor)).map(sweepPoint),
        );
      }
    }
    const gradients = runs.reduce((sum, run) => sum + run.gradientMilliseconds, 0) / runs.length;
    process.stdout.write(`\n${resultTable(runs)}\n\n`);
    process.stdout.write(
      `loss: of training, smoothed · per step: the optimizer alone, without ${milliseconds(gradients)} for the gradients\n`,
    );
    if (options.sweep) process.stdout.write(`\n${sweepTable(field, sweep)}\n`);
    const outcome = { options, runs, elapsedMilliseconds: performance.now() - startedAt, finishedAt: new Date() };
    writeFileSync(page, report(options.sweep ? { ...outcome, sweep } : outcome));
    process.stdout.write(`\nWrote ${page}\n`);
  } finally {
    engine.dispose();
  }
};

const lane = ({ name, label, colour, learningRate, make }: Entrant, factor: number, backend: RaceBackend): Lane => ({
  name,
  label,
  colour,
  learningRate: learningRate * factor,
  make: async (initial) => learner(make(learningRate * factor), await backend.make(), initial),
});

const named = <T extends { readonly name: string }>(table: readonly T[], wanted: string): T => {
  const found = table.find(({ name }) => name === wanted);
  if (found === undefined) throw new UsageError(`expected one of ${table.map(({ name }) => name).join(', ')}, got ${wanted}`);
  return found;
};

// A reader that has seen enough, as in `pnpm race | head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  const options = parseOptions(process.argv.slice(2), choices);
  if (options === 'help') process.stdout.write(help(choices));
  else await race(options);
} catch (error) {
  process.stderr.write(`race: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
