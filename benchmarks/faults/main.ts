import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from '../src/bench/machine.ts';
import { bound } from './faults.ts';
import { smallDisk } from './full-disk.ts';
import type { Told } from './job.ts';
import type { Found, Share } from './run-faults.ts';

const usage = `pnpm faults [--count N] [--seed S] [--jobs J] [--out FILE]

Injects faults into random optimizers on random models: poisoned, huge, tiny and missing gradients, damaged checkpoints, saves that are killed,
a full disk, full memory, a lost device, a switch to other backends in mid-run. After every fault the optimizer must be equal to one that was
left alone, to the last bit (after other backends: within ${bound} of the largest element), and nothing may stay behind.
  --count  faults, default 20000
  --seed   default 1; the same seed tries the same faults for the same number of jobs
  --jobs   processes, default as many as there are cores
  --out    also write what was found as JSON`;

class UsageError extends Error {}

interface Options {
  readonly count: number;
  readonly seed: number;
  readonly jobs: number;
  readonly out: string | undefined;
}

function read(args: readonly string[]): Options | 'help' {
  const values = parsed(args);
  if (values.help === true) return 'help';
  const whole = (name: 'count' | 'seed' | 'jobs', fallback: number, least: number): number => {
    const given = values[name];
    const value = given === undefined ? fallback : Number(given);
    if (given?.trim() === '' || !Number.isSafeInteger(value) || value < least)
      throw new UsageError(`--${name}: an integer >= ${least} expected, received ${JSON.stringify(given)}`);
    return value;
  };
  return { count: whole('count', 20_000, 1), seed: whole('seed', 1, 0), jobs: whole('jobs', availableParallelism(), 1), out: values.out };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: { count: text, seed: text, jobs: text, out: text, help: { type: 'boolean', short: 'h' } },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** One job in a process of its own; one that dies is a violation. */
const runJob = (share: Share, onProgress: (tried: number) => void): Promise<Found> =>
  new Promise((resolve, reject) => {
    const job = fork(fileURLToPath(new URL('./job.ts', import.meta.url)), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    job.once('error', reject);
    job.once('exit', (code, signal) => reject(new Error(`a job with seed ${share.seed} ended early: ${signal ?? code}`)));
    job.on('message', (told: Told) => {
      if ('tried' in told) onProgress(told.tried);
      else if ('error' in told) reject(new Error(told.error));
      else {
        resolve(told.found);
        job.disconnect();
      }
    });
    job.send(share);
  });

async function main({ count, seed, jobs, out }: Options): Promise<number> {
  const began = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  const disk = smallDisk(join(folder, 'full'));
  if (disk === undefined) console.log('no small disk can be mounted here: a full disk is not tried');
  const progress = new Array<number>(jobs).fill(0);
  let shown = 0;
  try {
    const found = await Promise.all(
      progress.map((_, i) => {
        const own = join(folder, `job${i}`);
        const share = {
          seed: (seed + i * 0x9e3779b1) >>> 0,
          count: Math.floor(count / jobs) + (i < count % jobs ? 1 : 0),
          places: { folder: own, full: disk?.folder },
        };
        return runJob(share, (tried) => {
          progress[i] = tried;
          const total = progress.reduce((a, b) => a + b, 0);
          if (total - shown < Math.max(1000, count / 50)) return;
          shown = total;
          console.log(`${total} of ${count} after ${Math.round((performance.now() - began) / 1000)} s`);
        });
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    const tried: Record<string, number> = {};
    for (const one of found) for (const [name, n] of Object.entries(one.tried)) tried[name] = (tried[name] ?? 0) + n;
    const violations = found.flatMap((one) => one.violations);
    const subjects = found.reduce((sum, one) => sum + one.subjects, 0);
    for (const [name, n] of Object.entries(tried)) console.log(`${String(n).padStart(9)}  ${name}`);
    for (const violation of violations) console.log(`VIOLATION ${violation}`);
    const total = Object.values(tried).reduce((a, b) => a + b, 0);
    console.log(
      `${total} faults on ${subjects} optimizers in ${seconds.toFixed(0)} s, seed ${seed}, ${jobs} jobs: ${violations.length} violations`,
    );
    if (out !== undefined) {
      const machine = await describeMachine('wasm', undefined, []);
      writeFileSync(out, `${JSON.stringify({ machine, count, seed, jobs, seconds, bound, subjects, tried, violations }, undefined, 2)}\n`);
    }
    return violations.length === 0 ? 0 : 1;
  } finally {
    disk?.unmount();
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  const options = read(process.argv.slice(2));
  if (options === 'help') console.log(usage);
  else process.exitCode = await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`faults: ${error.message}\n\n${usage}`);
  process.exitCode = 2;
}
