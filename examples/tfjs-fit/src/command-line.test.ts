import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commandLine, UsageError, usage } from './command-line.ts';

describe('the command line', () => {
  it.each<[string[], object | 'help']>([
    [[], { images: 600, epochs: 2, seed: 0 }],
    [['--', '--images', '40', '--seed=7'], { images: 40, epochs: 2, seed: 7 }],
    [['--epochs', '1', '-h'], 'help'],
  ])('%j is understood', (args, expected) => {
    expect(commandLine(args)).toEqual(expected);
  });

  it.each<[string[], string]>([
    [['--images', '1201'], '--images: expected a whole number from 1 to 1200, got "1201"'],
    [['--images', '1e2'], '--images: expected a whole number from 1 to 1200, got "1e2"'],
    [['--epochs', ''], `--epochs: expected a whole number from 1 to ${Number.MAX_SAFE_INTEGER}, got ""`],
    [['--seed=-1'], '--seed: expected a whole number from 0 to 2147483647, got "-1"'],
  ])('%j is refused', (args, message) => {
    expect(() => commandLine(args)).toThrow(new UsageError(message));
  });

  it.each([[['--rate', '1']], [['600']], [['--images']]])('%j is refused', (args) => {
    expect(() => commandLine(args)).toThrow(UsageError);
  });

  const start = (...args: string[]) => {
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const main = fileURLToPath(new URL('./main.ts', import.meta.url));
    return spawnSync(process.execPath, ['--conditions=@opt/source', '--import', loader, main, ...args], { encoding: 'utf8' });
  };

  it('of the program: help is printed, a refusal is one line and the usage, exit code 2', () => {
    expect(start('--help')).toMatchObject({ stdout: `${usage}\n`, stderr: '', status: 0 });
    const { stdout, stderr, status } = start('--image', '5');
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 });
    expect(stderr).toMatch(/^tfjs-fit: [^\n]*--image[^\n]*\n\npnpm --filter tfjs-fit start/);
  });
});
