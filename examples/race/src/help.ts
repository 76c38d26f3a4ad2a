import type { Choices } from './options.ts';

/** What `--help` prints. */
export const help = ({
  optimizers,
  backends,
  sampleCount,
  defaults,
}: Choices): string => `Trains one small network on MNIST-1D with several optimizers, side by side on the same batches and from the same weights,
prints a table and writes ./race.html.

Usage: pnpm race [options]

  --optimizers <names>  which ones, separated by commas: ${optimizers.join(', ')} (default: ${same(defaults.optimizers, optimizers) ? 'all' : defaults.optimizers.join(',')})
  --steps <number>      training steps (default: ${backends.map(({ name, steps }) => `${steps} on ${name}`).join(', ')})
  --batch <number>      samples per step, at most ${sampleCount} (default: ${defaults.batch})
  --seed <number>       of the initial weights and the order of the batches (default: ${defaults.seed})
  --backend <name>      what runs the optimizers: ${backends.map(({ name }) => name).join(', ')} (default: ${defaults.backend})
  --sweep               also try learning rates half a decade apart around each optimizer's own: five races instead of one
  --help                this text
`;

const same = (some: readonly string[], all: readonly string[]): boolean =>
  some.length === all.length && some.every((name) => all.includes(name));
