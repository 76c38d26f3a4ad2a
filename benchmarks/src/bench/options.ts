import { parseArgs } from 'node:util';
import { type Section, sections, sectionsOn } from './comparison.ts';

export interface BenchOptions {
  readonly sections: readonly Section[];
  readonly backend: string;
  readonly rounds: number;
  readonly filter: string | undefined;
}

/** Bad input: one line that names what was expected and what came. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const mostRounds = 1000;
const defaultRounds = 15;

export const usage = (backends: readonly string[]): string => `pnpm bench [${sections.join('] [')}] [options]

Times our optimizers and linear algebra in turns with tfjs, jax-js, ml-matrix, PyTorch and numpy, one thread each, and
prints medians. Peers that are not there are named. Section gpu is what --backend webgpu runs, and it alone: with
tfjs-webgpu and jax-js on the same adapter, through timestamps. So is section onnx what --backend onnx runs: with
PyTorch on one thread and on two; and section threads what --backend wasm-threads runs:
two threads against one. PyTorch: the first of $PYTHON, /usr/bin/python3 and python3 that has it.
A full run goes to benchmarks/results/, any other to a file there that git ignores.

  --backend NAME   of ours: ${backends.join(' | ')} (default ${defaultBackend(backends)})
  --rounds N       turns of every contender, 1 to ${mostRounds} (default ${defaultRounds})
  --filter TEXT    only comparisons with this in their title
  --help`;

/** The fast one, if there is one. */
const defaultBackend = (backends: readonly string[]): string => (backends.includes('wasm') ? 'wasm' : 'reference-f32');

/** Reads a command line. @throws UsageError */
export function parseOptions(args: readonly string[], backends: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = read(args);
  if (values.help) return 'help';
  const { backend = defaultBackend(backends), rounds = String(defaultRounds), filter } = values;
  if (!backends.includes(backend)) throw new UsageError(`--backend: expected one of ${backends.join(', ')}, got ${quote(backend)}`);
  if (!/^\d+$/.test(rounds) || Number(rounds) < 1 || Number(rounds) > mostRounds)
    throw new UsageError(`--rounds: expected a whole number from 1 to ${mostRounds}, got ${quote(rounds)}`);
  if (filter === '') throw new UsageError('--filter: expected a part of a title, got nothing');
  const there = sectionsOn(backend);
  const chosen = positionals.map((name) => section(name, there));
  return {
    sections: chosen.length === 0 ? there : there.filter((one) => chosen.includes(one)),
    backend,
    rounds: Number(rounds),
    filter,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      // `pnpm bench -- steps` hands the `--` on.
      args: args[0] === '--' ? args.slice(1) : [...args],
      allowPositionals: true,
      options: {
        backend: { type: 'string' },
        rounds: { type: 'string' },
        filter: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}

function section(name: string, there: readonly Section[]): Section {
  const found = there.find((one) => one === name);
  if (found === undefined) throw new UsageError(`expected sections out of ${there.join(', ')}, got ${quote(name)}`);
  return found;
}

/** Quoted, and on one line whatever was typed. */
const quote = (value: string): string => JSON.stringify(value);
