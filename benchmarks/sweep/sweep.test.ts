import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { outcome, savedRuns, start, withoutTimes } from './fixtures/spawned.ts';

const folder = mkdtempSync(join(tmpdir(), 'sweep-'));
afterAll(() => rmSync(folder, { recursive: true }));
const out = (name: string) => join(folder, name);
const small = ['--tasks', 'quadratic,mlp-mini-batch'];
const sweep = (name: string, ...args: string[]) => start('sweep', ['--out', out(name), ...args]);

test('a whole sweep: search, seeds, winners, files; the number of workers changes nothing', async () => {
  const [one, three] = await Promise.all([
    outcome(sweep('one', ...small, '--workers', '1')),
    outcome(sweep('three', ...small, '--workers', '3')),
  ]);
  for (const { stderr, exitCode } of [one, three]) expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(withoutTimes(out('one'))).toEqual(withoutTimes(out('three')));
  expect(savedRuns(out('one'))).toEqual(savedRuns(out('three')));
  // Four and three decades, two halves, a midpoint, and seeds 1 and 2, on two tasks; one search goes on for a decade.
  expect(savedRuns(out('one')).length).toBeGreaterThanOrEqual(2 * (4 + 3 + 2 * 5));
  expect(one.stdout).toMatch(/^quadratic +AdamW +0\.00502 \(0\.00358–0\.00630\) +2 of 3 +SGD \+ momentum/m);
  expect(one.stdout).toContain(' left)');
  for (const part of ['SHORTENED', 'FAILED', '\x1b']) expect(one.stdout).not.toContain(part);
  expect(readFileSync(join(out('one'), 'sweep.html'), 'utf8')).toContain('<h2>quadratic</h2>');
});

test('killed in the middle and started again: what was done is kept as it is, what is left is done, the result is the same', async () => {
  const tasks = ['--tasks', 'rnn', '--optimizers', 'adamw', '--workers', '2'];
  const killed = sweep('killed', ...tasks);
  let lines = 0;
  killed.stdout.on('data', (chunk: Buffer) => {
    lines += String(chunk).split('\n').length - 1;
    if (lines >= 4) killed.kill('SIGKILL');
  });
  await outcome(killed);
  expect(killed.signalCode).toBe('SIGKILL');
  const kept = savedRuns(out('killed')).map((name) => ({ name, at: statSync(join(out('killed'), 'runs', name)).mtimeMs }));
  expect(kept.length).toBeGreaterThanOrEqual(4);

  const again = await outcome(sweep('killed', ...tasks));
  expect(again.exitCode).toBe(0);
  for (const { name, at } of kept) expect(statSync(join(out('killed'), 'runs', name)).mtimeMs, name).toBe(at);
  expect(again.stdout).toContain(`${kept.length} from earlier`);
  const told = again.stdout.split('\n').filter((line) => /^rnn, .* left\)$|^rnn, .* in all\)$/.test(line));
  expect(told.length + kept.length).toBe(savedRuns(out('killed')).length);

  await outcome(sweep('whole', ...tasks));
  expect(withoutTimes(out('killed'))).toEqual(withoutTimes(out('whole')));
});

test('other settings are other runs', async () => {
  await outcome(sweep('settings', '--tasks', 'quadratic', '--optimizers', 'adamw', '--rates', '0.1', '--seeds', '1'));
  const before = savedRuns(out('settings'));
  expect(before).toHaveLength(1);
  const { stdout } = await outcome(
    sweep('settings', '--tasks', 'quadratic', '--optimizers', 'adamw', '--rates', '0.1', '--seeds', '1', '--backend', 'reference'),
  );
  expect(stdout).not.toContain('from earlier');
  expect(savedRuns(out('settings'))).toHaveLength(2);
});

test('a task that fails and one that kills its process end in a report and exit code 1; the others are done', async () => {
  const { stdout, exitCode } = await outcome(
    sweep('failing', '--tasks', 'matrix-sign,convnet,segmentation,quadratic', '--optimizers', 'adamw'),
  );
  expect(exitCode).toBe(1);
  expect(stdout).toContain('FAILED: matrix-sign, adamw, rate 0.100, seed 0: this task never goes well');
  expect(stdout).toContain('FAILED: convnet, adamw, rate 0.100, seed 0: its process ended with code 7: out of memory');
  expect(stdout).toContain('FAILED: segmentation, adamw, rate 0.100, seed 0: this task does not even start');
  expect(stdout).toMatch(/^quadratic +AdamW/m);
  expect(stdout).not.toMatch(/^(matrix-sign|convnet|segmentation) +AdamW/m);
});

test('a quick sweep says what is shortened, wherever its results stand', async () => {
  const { stdout, exitCode } = await outcome(sweep('quick', '--tasks', 'quadratic', '--quick'));
  expect(exitCode).toBe(0);
  const said = "a tenth of every task's steps; two learning rates a decade apart, without refinement; one seed";
  expect(stdout.startsWith(`Shortened: ${said}.\n`)).toBe(true);
  expect(stdout).toContain(`SHORTENED: ${said}.`);
  expect(withoutTimes(out('quick'))).toMatchObject({ shortened: said.split('; '), tasks: [{ steps: 4 }] });
  expect(readFileSync(join(out('quick'), 'sweep.html'), 'utf8')).toContain('SHORTENED: a tenth of every task&#39;s steps');
});

test('--report runs nothing and tells what is missing', async () => {
  const { stdout, exitCode } = await outcome(sweep('settings', '--tasks', 'quadratic', '--report'));
  expect(exitCode).toBe(0);
  expect(stdout).toContain('not finished: quadratic');
  expect(savedRuns(out('settings'))).toHaveLength(2);
});

describe('--report where there is nothing to report', () => {
  const args = ['--tasks', 'quadratic', '--optimizers', 'adamw'];
  test('refuses a folder of a quick sweep, and overwrites nothing', async () => {
    await outcome(sweep('quickly', ...args, '--quick'));
    const before = readFileSync(join(out('quickly'), 'sweep.json'));
    const { stderr, exitCode } = await outcome(sweep('quickly', ...args, '--report'));
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^sweep: --report: expected a folder with finished runs of these settings in --out [^\n]+, got 1 of other settings: [^\n]*--quick[^\n]*\n$/,
    );
    expect(readFileSync(join(out('quickly'), 'sweep.json')).equals(before)).toBe(true);
    expect((await outcome(sweep('quickly', ...args, '--quick', '--report'))).exitCode).toBe(0);
  });

  test('refuses a folder that is not there, and does not make it', async () => {
    const { stdout, stderr, exitCode } = await outcome(sweep('mistyped', ...args, '--report'));
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toContain(`--out: expected a folder that can be written, got "${out('mistyped')}" (ENOENT)`);
    expect(existsSync(out('mistyped'))).toBe(false);
  });
});

test('a damaged run is named and done again; a report names it and goes on', async () => {
  const args = ['--tasks', 'quadratic', '--optimizers', 'adamw', '--rates', '0.01,0.1', '--seeds', '1'];
  await outcome(sweep('damaged', ...args));
  const [file = ''] = savedRuns(out('damaged'));
  const path = join(out('damaged'), 'runs', file);
  const whole = readFileSync(path, 'utf8');
  writeFileSync(path, '{"format":"opt-sweep-run/1","result":{}}');
  const named = `sweep: ${path} is damaged and counts as not there: expected the run its name says, got nothing\n`;
  const report = await outcome(sweep('damaged', ...args, '--report'));
  expect(report).toMatchObject({ stderr: named, exitCode: 0 });
  expect(report.stdout).toContain('not finished');
  expect(await outcome(sweep('damaged', ...args))).toMatchObject({ stderr: named, exitCode: 0 });
  const withoutSeconds = (text: string): unknown => JSON.parse(text, (key, value) => (key === 'seconds' ? undefined : value));
  expect(withoutSeconds(readFileSync(path, 'utf8'))).toEqual(withoutSeconds(whole));
});

describe('bad input: one line on stderr, nothing else, exit code 2', () => {
  test.each([
    [['--tasks', 'chess'], '--tasks: expected names separated by commas out of mlp-full-batch,'],
    [['--out', '/proc/nowhere'], '--out: expected a folder that can be written, got "/proc/nowhere" (ENOENT)'],
    [['--out', '/dev/null/here'], '--out: expected a folder that can be written, got "/dev/null/here" (ENOTDIR)'],
    [['--queue', 'redis://127.0.0.1:1'], '--queue: expected a Redis server that answers at 127.0.0.1:1, got "connect ECONNREFUSED'],
  ])('%j', async (args, part) => {
    const { stdout, stderr, exitCode } = await outcome(sweep('bad', ...small, ...args));
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toMatch(/^sweep: [^\n]+\n$/);
    expect(stderr).toContain(part);
  });
});
