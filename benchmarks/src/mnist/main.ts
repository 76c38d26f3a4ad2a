import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reference } from '@opt/backend-reference';
import { wasm } from '@opt/backend-wasm';
import { firstLossError, misses } from './acceptance.ts';
import { type Images, type Mnist, pixelCount, readMnist } from './data.ts';
import { type Recorded, readRecorded, type Size } from './recorded.ts';
import { type Row, rows } from './rows.ts';
import { type Run, train } from './train.ts';
import { turnsOf } from './turns.ts';

const usage = `pnpm --filter ./benchmarks mnist [--data DIR] [--quick] [--rows NAMES] [--epochs N] [--backend NAME]

Trains the seed's network (784-256-256-10) on MNIST with each of its optimizers, as it had them and as they should be, from the recorded
initial weights over the recorded shuffles, and prints its table beside ours. Exit code 1 where a recorded limit is missed.
  --data DIR   the four idx files of the full set; default: the shipped slice of 8,192 images
  --quick      the first 8,192 training and 2,000 test images of DIR
  --rows       comma-separated, such as muon,corrected/muon,repository; default: all
  --epochs     default 5
  --backend    wasm (default) | reference`;

interface Choice {
  readonly data: Mnist;
  readonly size: Size;
  readonly rows: readonly Row[];
  readonly epochs: number;
  readonly backend: 'wasm' | 'reference';
}

/** Images of the recorded runs: on others, nothing is known of what rounding did. */
const recordedCounts: Readonly<Record<Size, number>> = { full: 60_000, quick: 8192 };

/** One line for people who typed something wrong, and exit code 2. */
function refuse(message: string): never {
  console.error(`mnist: ${message}`);
  process.exit(2);
}

const firstOf = ({ pixels, labels }: Images, count: number): Images => ({
  count,
  pixels: pixels.subarray(0, count * pixelCount),
  labels: labels.subarray(0, count),
});

const options = {
  data: { type: 'string' },
  quick: { type: 'boolean', default: false },
  rows: { type: 'string' },
  epochs: { type: 'string', default: '5' },
  backend: { type: 'string', default: 'wasm' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function typed() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}

function commandLine(): Choice {
  const values = typed();
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const epochs = Number(values.epochs);
  if (!Number.isInteger(epochs) || epochs < 1) refuse(`--epochs must be an integer >= 1, received '${values.epochs}'`);
  const { backend } = values;
  if (backend !== 'wasm' && backend !== 'reference') return refuse(`--backend must be wasm or reference, received '${backend}'`);
  // pnpm runs scripts in the package's folder; a path is meant from where the user stands.
  const directory =
    values.data === undefined
      ? fileURLToPath(new URL('../../data/mnist', import.meta.url))
      : resolve(process.env['INIT_CWD'] ?? '.', values.data);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) refuse(`--data must be a directory, received '${directory}'`);
  const whole = readMnist(directory);
  const size: Size = values.quick || whole.train.count <= 8192 ? 'quick' : 'full';
  const data = size === 'quick' ? { train: firstOf(whole.train, 8192), test: firstOf(whole.test, 2000) } : whole;
  return { data, size, epochs, backend, rows: chosen(values.rows) };
}

function chosen(names: string | undefined): readonly Row[] {
  if (names === undefined) return rows;
  return names.split(',').flatMap((name) => {
    const found = rows.filter((row) => [row.name, row.kind, `${row.kind}/${row.name}`].includes(name));
    return found.length > 0
      ? found
      : refuse(`--rows: no row is called '${name}', known are ${[...new Set(rows.map((row) => row.name))].join(', ')}`);
  });
}

const figures = (run: { trainLoss: number; testAccuracy: number } | undefined): string =>
  run === undefined ? '–' : `${run.trainLoss < 10 ? run.trainLoss.toFixed(4) : run.trainLoss.toFixed(1)} / ${run.testAccuracy.toFixed(2)}`;

function line(row: Row, run: Run, recorded: Recorded, size: Size): readonly string[] {
  const seed = row.kind === 'repository' ? recorded.seed[row.name] : undefined;
  const known = recorded[row.kind][row.name]?.[size];
  const missed = misses(row, run, known, size);
  return [
    `${row.kind}/${row.name}`,
    seed === undefined ? '–' : `${seed.loss.toFixed(4)} / ${seed.accuracy.toFixed(2)}`,
    figures(known?.epochs.at(-1)),
    figures(run.epochs.at(-1)),
    known === undefined ? '–' : firstLossError(run, known).toExponential(1),
    run.constraintError === undefined ? '–' : run.constraintError.toExponential(1),
    `${run.seconds.toFixed(0)} s`,
    missed.length === 0 ? 'ok' : `MISSED: ${missed.join('; ')}`,
  ];
}

/** Columns padded to their widest entry. */
function table(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map((cells) =>
      cells
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

async function main(): Promise<number> {
  const choice = commandLine();
  const recorded = readRecorded();
  const lines: (readonly string[])[] = [
    ['row', "seed's readme", 'recorded (PyTorch)', 'ours', 'first losses', 'off manifold', 'time', 'limits'],
  ];
  for (const row of choice.rows) {
    const epochDone = (epoch: number, loss: number, accuracy: number): void =>
      console.error(`${row.kind}/${row.name}  epoch ${epoch}: loss ${loss.toFixed(5)}, accuracy ${accuracy.toFixed(2)}`);
    const { data, epochs, size } = choice;
    const options = { turns: data.train.count === recordedCounts[size] ? turnsOf(size, row) : [], epochDone };
    const run =
      choice.backend === 'wasm'
        ? train(row, data, epochs, wasm(), options)
        : train(row, data, epochs, reference({ precision: 'f32' }), options);
    lines.push(line(row, run, recorded, choice.size));
    console.error(lines.at(-1)?.join('  '));
  }
  console.log(`MNIST, ${choice.data.train.count} images, epoch ${choice.epochs}: training loss / test accuracy`);
  console.log(table(lines));
  return lines.some((cells) => cells.at(-1)?.startsWith('MISSED')) ? 1 : 0;
}

process.exitCode = await main();
