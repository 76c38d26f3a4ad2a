import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commandLine, UsageError, usage } from './command-line.ts';

describe('the command line', () => {
  it.each<[string[], number | 'help']>([
    [[], 300],
    [['20'], 20],
    [['--help'], 'help'],
    [['20', '-h'], 'help'],
  ])('%j is understood', (args, expected) => {
    expect(commandLine(args)).toBe(expected);
  });

  it.each([[['abc']], [['0']], [['1.5']], [['1e3']], [['']], [['-5']], [['20', '30']], [['--steps', '20']]])('%j is refused', (args) => {
    expect(() => commandLine(args)).toThrow(UsageError);
  });

  it('of the program ends with the usage and exit code 2 where it is refused', () => {
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const main = fileURLToPath(new URL('./main.ts', import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--conditions=@opt/source', '--import', loader, main, 'abc'], {
      encoding: 'utf8',
    });
    expect({ stdout, stderr, status }).toEqual({
      stdout: '',
      stderr: `jax-js-loop: expected a whole number of steps from 1, got "abc"\n\n${usage}\n`,
      status: 2,
    });
  });
});
