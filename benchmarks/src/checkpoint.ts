import { mkdtempSync, rmSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { wasm } from '@opt/backend-wasm';
import { loadFile, saveFile } from '@opt/checkpoint-file';
import { createOptimizer } from '@opt/core';
import { adamw } from '@opt/transforms';
import { median, minimum } from './bench/statistics.ts';

const usage = `pnpm --filter ./benchmarks checkpoint [--megabytes N] [--rounds N] [--folder DIR]

What saving a checkpoint of AdamW on wasm takes, beside fs.writeFile of the same bytes; in turns, medians and ratios of one run.
  --megabytes  of the whole file, default 720
  --rounds     default 7
  --folder     where files are written; default: a temporary one`;

/** One line for people who typed something wrong, and exit code 2. */
function refuse(message: string): never {
  console.error(`checkpoint: ${message}`);
  process.exit(2);
}

function commandLine(): { megabytes: number; rounds: number; folder: string } {
  try {
    const { values } = parseArgs({
      options: {
        megabytes: { type: 'string', default: '720' },
        rounds: { type: 'string', default: '7' },
        folder: { type: 'string', default: tmpdir() },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const [megabytes, rounds] = [Number(values.megabytes), Number(values.rounds)];
    if (!(megabytes > 0)) refuse(`--megabytes must be a number > 0, received ${values.megabytes}`);
    if (!Number.isInteger(rounds) || rounds < 1) refuse(`--rounds must be an integer >= 1, received ${values.rounds}`);
    return { megabytes, rounds, folder: values.folder };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

const { megabytes, rounds, folder } = commandLine();
// A third each for the parameters and Adam's two moments, in a few tensors of unlike size.
const elements = Math.ceil((megabytes * 1e6) / 4 / 3);
const shares = [0.5, 0.3, 0.2].map((share) => Math.max(1, Math.round(share * elements)));
const parameters = Object.fromEntries(shares.map((n, i) => [`w${i}`, { shape: [n], data: new Float32Array(n) }]));
const optimizer = createOptimizer({ transform: adamw(), parameters, backend: wasm({ maxMemory: 4 * megabytes * 1e6 }) });
for (const gradient of Object.values(optimizer.gradients)) gradient.fill(1);
optimizer.step(optimizer.gradients);
const bytes = optimizer.save();

const directory = mkdtempSync(join(folder, 'checkpoint-'));
const [written, saved] = [join(directory, 'written'), join(directory, 'saved')];
const contenders = {
  'fs.writeFile': () => writeFile(written, bytes),
  'fs.writeFile, flushed': async () => {
    await writeFile(written, bytes);
    const handle = await open(written);
    await handle.sync();
    await handle.close();
  },
  'optimizer.save()': async () => void optimizer.save(),
  'optimizer.save(), fs.writeFile': () => writeFile(saved, optimizer.save()),
  'saveFile (flushed)': () => saveFile(saved, optimizer),
  'loadFile (from the cache)': () => loadFile(saved, optimizer),
} satisfies Readonly<Record<string, () => Promise<unknown>>>;

interface Taken {
  readonly seconds: number;
  /** Of this process, all threads: what is left of a time where others share the machine. */
  readonly cpu: number;
}

const measured = new Map<string, Taken[]>();
try {
  await saveFile(saved, optimizer);
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      // Every file is a new one: truncating an old one is no part of writing.
      if (name !== 'loadFile (from the cache)') for (const file of [written, saved]) rmSync(file, { force: true });
      const [start, before] = [performance.now(), process.cpuUsage()];
      await run();
      const { user, system } = process.cpuUsage(before);
      const taken = { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
      measured.set(name, [...(measured.get(name) ?? []), taken]);
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

const middle = (name: string, of: keyof Taken): number => median((measured.get(name) ?? []).map((taken) => taken[of]));
const ratio = (one: keyof typeof contenders, other: keyof typeof contenders): string => {
  const [time, cpu] = (['seconds', 'cpu'] as const).map((of) => (middle(one, of) / middle(other, of)).toFixed(2));
  return `${one} ÷ ${other}: ${time} (cpu ${cpu})`;
};
console.log(`${(bytes.length / 1e6).toFixed(0)} MB, ${rounds} rounds`);
for (const [name, all] of measured) {
  const least = minimum(all.map(({ seconds }) => seconds));
  console.log(
    `${name.padEnd(32)} ${middle(name, 'seconds').toFixed(3)} s (least ${least.toFixed(3)}), cpu ${middle(name, 'cpu').toFixed(3)} s`,
  );
}
console.log(ratio('optimizer.save()', 'fs.writeFile'));
console.log(ratio('optimizer.save(), fs.writeFile', 'fs.writeFile'));
console.log(ratio('saveFile (flushed)', 'fs.writeFile, flushed'));
