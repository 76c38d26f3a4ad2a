import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunResult, RunSpec } from './run.ts';
import { openStore } from './store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
  told = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const spec: RunSpec = { task: 'rnn', optimizer: 'soap', rate: 0.00562341325, seed: 1, steps: 500, backend: 'wasm' };
const result: RunResult = {
  losses: [2 / 3, 1 / 3],
  tests: [{ afterStep: 0, loss: 2.3, accuracy: 0.1 }],
  diverged: false,
  skippedSteps: 0,
  seconds: 1.5,
};
/** A run's file with something else in it. */
const changed = (other: object) => JSON.stringify({ format: 'opt-sweep-run/1', spec, key: 'k', result, ...other });
let told: string[] = [];
const open = () => openStore(folder, true, (line) => told.push(line));
const files = () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));

test('what was saved is loaded, bit for bit, by another store too', async () => {
  const store = await open();
  expect(await store.load(spec, 'k')).toBeUndefined();
  await store.save(spec, 'k', result);
  expect(await store.load(spec, 'k')).toEqual(result);
  expect(await (await open()).load(spec, 'k')).toEqual(result);
  expect(files()).toEqual([join('runs', 'rnn', 'soap', 'rate-0.00562341325-seed-1-steps-500-k.json')]);
});

test('another key, another spec: not found', async () => {
  const store = await open();
  await store.save(spec, 'k', result);
  expect(await store.load(spec, 'other')).toBeUndefined();
  expect(await store.load({ ...spec, seed: 2 }, 'k')).toBeUndefined();
});

test.each<[string, string, string]>([
  ['half a file', '{"format":"opt-sweep-run/1","resu', 'expected JSON, got something else'],
  ['nothing', 'null', 'expected format opt-sweep-run/1, got null'],
  ['another format', '{"format":"opt-sweep-run/0","result":{}}', 'expected format opt-sweep-run/1, got "opt-sweep-run/0"'],
  ['another run', changed({ key: 'other' }), 'expected the run its name says, got {"task":"rnn","optimizer":"soap","rate":0.00562341325'],
  ['no result', changed({ result: {} }), 'result: expected losses to be a list of numbers, got nothing'],
  [
    'half a result',
    changed({ result: { ...result, tests: [{}] } }),
    'result: expected tests to be a list of { afterStep, loss }, got [{}]',
  ],
  ['another result', changed({ result: { ...result, seconds: 'two' } }), 'result: expected seconds to be a number, got "two"'],
])('%s is damaged: named, and not there; saved again it is whole', async (_, text, why) => {
  const store = await open();
  await store.save(spec, 'k', result);
  const [file = ''] = files();
  writeFileSync(join(folder, file), text);
  expect(await store.load(spec, 'k')).toBeUndefined();
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(`${join(folder, file)} is damaged and counts as not there: ${why}`);
  await store.save(spec, 'k', result);
  expect(await store.load(spec, 'k')).toEqual(result);
});

test('a file that cannot be read is named as well', async () => {
  const store = await open();
  await store.save(spec, 'k', result);
  const [file = ''] = files();
  rmSync(join(folder, file));
  mkdirSync(join(folder, file));
  expect(await store.load(spec, 'k')).toBeUndefined();
  expect(told).toEqual([`${join(folder, file)} is damaged and counts as not there: EISDIR`]);
  await expect(store.save(spec, 'k', result)).rejects.toThrow(`${join(folder, file)} could not be written: EISDIR`);
});

test('a folder that is only looked at is not made', async () => {
  const nowhere = join(folder, 'typo');
  await expect(openStore(nowhere, false, () => {})).rejects.toThrow(
    `--out: expected a folder that can be written, got "${nowhere}" (ENOENT)`,
  );
  expect(files()).toEqual([]);
});
