import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'race-'));
afterAll(() => rmSync(folder, { recursive: true }));

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const conditions = process.env['TEST_BUILT'] ? [] : ['--conditions=@opt/source'];

const start = (args: readonly string[]) =>
  spawn(process.execPath, [...conditions, '--import', loader, main, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });

const outcome = async (child: ReturnType<typeof start>) => {
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)]);
  return { stdout, stderr, exitCode };
};

const ended = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return child.exitCode;
};

test('a short race of all optimizers ends with the table and a page', async () => {
  const { stdout, stderr, exitCode } = await outcome(start(['--steps', '5', '--seed', '1']));
  expect(exitCode).toBe(0);
  // Two of them train on a manifold, on which the common initial weights do not lie; that is said, and nothing else.
  expect(stderr.split('\n').filter((line) => line !== '' && !line.endsWith('was projected onto the manifold'))).toEqual([]);
  expect(stdout).toContain('step 5/5 (100 %)');
  expect(stdout).not.toContain('\x1b');
  const html = readFileSync(join(folder, 'race.html'), 'utf8');
  for (const label of ['SGD + momentum', 'AdamW', 'SOAP', 'SOAP + normalize-EMA']) {
    expect(stdout.split('\n').filter((line) => line.startsWith(`${label}  `))).toHaveLength(1);
    expect(html).toContain(`${label}</th>`);
  }
  expect(html).not.toContain('id="sweep-chart"');
});

test('with --sweep five rates of each optimizer are tried', async () => {
  const { stdout, exitCode } = await outcome(
    start(['--steps', '3', '--sweep', '--optimizers', 'adamw,sgd', '--backend', 'reference-f64', '--batch', '5']),
  );
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Race 5/5, learning rates × 10.0');
  expect(stdout).toMatch(/^AdamW +0\.000316 +0\.00100 +0\.00316 +0\.0100 +0\.0316$/m);
  const html = readFileSync(join(folder, 'race.html'), 'utf8');
  expect(html).toContain('id="sweep-chart"');
  expect(html).not.toContain('SOAP');
});

test('help tells every option, name and default', async () => {
  const { stdout, stderr, exitCode } = await outcome(start(['--help']));
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  for (const part of [
    '--optimizers',
    '--steps',
    '--batch',
    '--seed',
    '--backend',
    '--sweep',
    '--help',
    'soap-normalize-ema',
    'reference',
  ]) {
    expect(stdout).toContain(part);
  }
});

describe('bad input: one line on stderr, nothing else, exit code 2', () => {
  test.each([
    [['--optimizers', 'sgd,adam'], '"sgd,adam"'],
    [['--steps', '0'], '"0"'],
    [['--seed', 'NaN'], '"NaN"'],
    [['--batch', '4001'], '4000'],
    [['--backend', 'abacus'], '"abacus"'],
    [['--speed', '3'], '--speed: unknown option'],
  ])('%j', async (args, part) => {
    const { stdout, stderr, exitCode } = await outcome(start(args));
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(/^race: [^\n]+\n$/);
    expect(stderr).toContain(part);
  });
});

test('an interruption ends the race at once, silently and without a page', async () => {
  rmSync(join(folder, 'race.html'), { force: true });
  const child = start(['--steps', '100000', '--optimizers', 'sgd']);
  child.stdout.once('data', () => child.kill('SIGINT'));
  const { stderr } = await outcome(child);
  expect({ stderr, signal: child.signalCode }).toEqual({ stderr: '', signal: 'SIGINT' });
  expect(existsSync(join(folder, 'race.html'))).toBe(false);
});
