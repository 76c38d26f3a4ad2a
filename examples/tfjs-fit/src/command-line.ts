import { parseArgs } from 'node:util';
import type { Settings } from './train.ts';

export const usage = `pnpm --filter tfjs-fit start [options]

Trains a small convolutional network on MNIST with model.fit, saves it with its optimizer, loads both and trains on.

  --images NUMBER   training images, at most 1200 (default: 600)
  --epochs NUMBER   before it is saved, and again after it was loaded (default: 2)
  --seed NUMBER     of the initial weights (default: 0)
  --help            this text`;

/** What was typed cannot be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const mostImages = 1200;

/** The settings. @throws UsageError */
export function commandLine(args: readonly string[]): Settings | 'help' {
  const values = read(args);
  if (values.help) return 'help';
  return {
    images: whole('images', values.images, 1, mostImages),
    epochs: whole('epochs', values.epochs, 1, Number.MAX_SAFE_INTEGER),
    seed: whole('seed', values.seed, 0, 2 ** 31 - 1),
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      // `pnpm start -- --images 5` hands the `--` on.
      args: args[0] === '--' ? args.slice(1) : [...args],
      options: {
        images: { type: 'string', default: '600' },
        epochs: { type: 'string', default: '2' },
        seed: { type: 'string', default: '0' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}

function whole(name: string, value: string, least: number, most: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`--${name}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(value)}`);
}
