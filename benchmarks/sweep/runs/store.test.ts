import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunResult, RunSpec } from './run.ts';
import { openStore } from './store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
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
const files = () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));

test('what was saved is loaded, bit for bit, by another store too', async () => {
  const store = await openStore(folder);
  expect(await store.load(spec, 'k')).toBeUndefined();
  await store.save(spec, 'k', result);
  expect(await store.load(spec, 'k')).toEqual(result);
  expect(await (await openStore(folder)).load(spec, 'k')).toEqual(result);
  expect(files()).toEqual([join('runs', 'rnn', 'soap', 'rate-0.00562341325-seed-1-steps-500-k.json')]);
});

test('another key, another spec: not found', async () => {
  const store = await openStore(folder);
  await store.save(spec, 'k', result);
  expect(await store.load(spec, 'other')).toBeUndefined();
  expect(await store.load({ ...spec, seed: 2 }, 'k')).toBeUndefined();
});

test('half a file, or one of another format, is no result', async () => {
  const store = await openStore(folder);
  await store.save(spec, 'k', result);
  const [file = ''] = files();
  for (const text of ['{"format":"opt-sweep-run/1","resu', '{"format":"opt-sweep-run/0","result":{}}']) {
    writeFileSync(join(folder, file), text);
    expect(await store.load(spec, 'k')).toBeUndefined();
  }
});
