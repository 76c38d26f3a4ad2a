import { availableParallelism } from 'node:os';
import { UsageError } from '../../src/bench/options.ts';
import { queueWorker } from './queue-worker.ts';
import { parseWorkerOptions, workerHelp } from './worker-options.ts';

/** `pnpm sweep-worker` from its arguments to its exit code: 0, or 2 for bad input. `catalogueUrl`: where its processes find tasks. */
export const runWorker = async (args: readonly string[], catalogueUrl: string): Promise<number> => {
  try {
    const options = parseWorkerOptions(args, availableParallelism());
    if (options === 'help') {
      process.stdout.write(workerHelp(availableParallelism()));
      return 0;
    }
    // Listened to from the start: a run may have begun when the worker is there.
    const told = new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    });
    const worker = await queueWorker({ ...options, catalogueUrl, tell: (line) => process.stdout.write(`${line}\n`) });
    void told.then(() => worker.stop());
    process.stdout.write(`${options.name}: waits for runs at ${new URL(options.queue).host}, ${options.workers} at a time\n`);
    await worker.ended;
    return 0;
  } catch (error) {
    process.stderr.write(`sweep-worker: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
};
