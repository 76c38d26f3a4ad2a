import { hostname } from 'node:os';
import { UsageError } from '../../src/bench/options.ts';
import { read, redisUrl, whole } from '../options.ts';

/** What the user asked of `pnpm sweep-worker`, checked. */
export interface WorkerOptions {
  readonly queue: string;
  readonly workers: number;
  readonly lock: number;
  readonly idle: number | undefined;
  readonly name: string;
}

const defaultLock = 30;
const day = 24 * 3600;
const mostWorkers = 1024;

export const workerHelp = (cores: number): string => `pnpm sweep-worker --queue URL [options]

Does runs for a sweep that was started with the same --queue, on any machine that has this repository at the same commit.

  --queue URL     the Redis server: redis://…, or rediss://… with TLS
  --workers N     runs at a time, a process each (default: ${cores}, one per core)
  --idle SECONDS  ends after so long without a run (default: stays)
  --lock SECONDS  silence after which a run is given to somebody else (default: ${defaultLock})
  --name NAME     how this worker is called in what it prints (default: the host's name)
  --help          this text
`;

/** Reads the command line of `pnpm sweep-worker`. @throws UsageError */
export const parseWorkerOptions = (args: readonly string[], cores: number): WorkerOptions | 'help' => {
  const values = read(args, {
    queue: { type: 'string' },
    workers: { type: 'string' },
    idle: { type: 'string' },
    lock: { type: 'string' },
    name: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help) return 'help';
  if (values.queue === undefined) throw new UsageError('--queue: expected an address such as redis://localhost:6379, got nothing');
  return {
    queue: redisUrl('queue', values.queue),
    workers: values.workers === undefined ? cores : whole('workers', values.workers, 1, mostWorkers),
    lock: values.lock === undefined ? defaultLock : whole('lock', values.lock, 1, day),
    idle: values.idle === undefined ? undefined : whole('idle', values.idle, 1, day),
    name: values.name ?? hostname(),
  };
};
