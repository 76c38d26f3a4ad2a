import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { processes } from '../../examples/many-workers/src/teams.ts';
import { describeMachine } from '../src/bench/machine.ts';
import { sectionNames, sections } from './sections.ts';

const usage = `pnpm local-sgd [section …] [--out FILE]

Measures @opt/local-sgd, and writes what it found under the names of its sections into a JSON file (default: benchmarks/results/local-sgd.json).

${sectionNames.map((name) => `  ${name.padEnd(10)}${sections[name].what}`).join('\n')}

Without a section: all of them, which takes an hour.`;

class UsageError extends Error {}

const isSection = (name: string): name is keyof typeof sections => sectionNames.some((known) => known === name);

function read(args: readonly string[]) {
  try {
    const options = { out: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
    const { values, positionals } = parseArgs({ args: args[0] === '--' ? args.slice(1) : [...args], options, allowPositionals: true });
    const named = positionals.map((name) => {
      if (!isSection(name)) throw new UsageError(`expected one of ${sectionNames.join(', ')}, got ${JSON.stringify(name)}`);
      return name;
    });
    return { ...values, wanted: named.length > 0 ? named : sectionNames };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

const stop = (): void => {
  for (const member of processes) member.stop();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    stop();
    process.exit(130);
  });

try {
  const { help, out, wanted } = read(process.argv.slice(2));
  if (help === true) console.log(usage);
  else {
    const file = out ?? fileURLToPath(new URL('../results/local-sgd.json', import.meta.url));
    for (const name of wanted) {
      const machine = await describeMachine('wasm', undefined, []);
      const keep = (found: Readonly<Record<string, unknown>>): void => {
        const before: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
        const all = { ...(typeof before === 'object' ? before : {}), [name]: { machine, ...found } };
        writeFileSync(file, `${JSON.stringify(all, undefined, 2)}\n`);
      };
      keep(await sections[name].run((line) => console.log(line), keep));
    }
    console.log(`wrote ${file}`);
  }
} catch (error) {
  console.error(`local-sgd: ${error instanceof Error ? error.message : String(error)}${error instanceof UsageError ? `\n\n${usage}` : ''}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  stop();
}
