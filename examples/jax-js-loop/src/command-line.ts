import { parseArgs } from 'node:util';

export const usage = `npx tsx examples/jax-js-loop/src/main.ts [STEPS]

Trains a small network on MNIST-1D with SOAP for so many steps (default 300) and prints the loss of every twentieth.`;

/** What was typed cannot be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The number of steps. @throws UsageError */
export function commandLine(args: readonly string[]): number | 'help' {
  const { values, positionals } = read(args);
  if (values.help) return 'help';
  const [steps = '300', ...more] = positionals;
  if (more.length > 0) throw new UsageError(`expected one number of steps, got ${positionals.join(' ')}`);
  if (!/^[1-9]\d*$/.test(steps)) throw new UsageError(`expected a whole number of steps from 1, got ${JSON.stringify(steps)}`);
  return Number(steps);
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { help: { type: 'boolean', short: 'h' } } });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}
