import { beforeAll, describe, expect, test } from 'vitest';
import type { Comparison } from './comparison.ts';
import { type Measured, measure } from './measured.ts';
import { noPeers, type Peers } from './peers.ts';
import { printMeasured, printSizes } from './print.ts';
import { linalg } from './sections/linalg.ts';
import { lowrank } from './sections/lowrank.ts';
import { onnxSteps } from './sections/onnx.ts';
import { overhead } from './sections/overhead.ts';
import { steps } from './sections/steps.ts';
import { tally } from './tally.ts';

const pace = { rounds: 2, batch: 0, budget: 60 };

/** Every part of the harness, on the smallest model, on the reference backend, with nobody to compare with. */
describe('a run without peers', () => {
  const peers: Peers = noPeers('reference-f32', 'left out');
  const results: Measured[] = [];

  beforeAll(async () => {
    const comparisons: readonly Comparison[] = [
      ...steps(peers, ['tiny']),
      ...linalg(peers, [
        ['qr', 4],
        ['eigh', 64],
      ]),
      ...lowrank(peers, { model: 'tiny', ggt: 3, lmAdagrad: 3 }),
      ...overhead(peers),
    ];
    for (const comparison of comparisons) results.push(await measure(comparison, pace));
  });

  test('measures everything of ours', () => {
    const ours = results.flatMap(({ rows }) => rows.filter(({ name }) => name.startsWith('ours') && name !== 'ours (FMA)'));
    expect(ours.length).toBeGreaterThanOrEqual(results.length);
    for (const row of ours) expect(row).toMatchObject({ turns: 2 });
  });

  test('names every peer as missing', () => {
    const absent = results.flatMap(({ rows }) => rows.filter(({ missing }) => missing === 'left out').map(({ name }) => name));
    expect(new Set(absent)).toEqual(
      new Set([
        'ours (FMA)',
        'torch, reference order',
        'torch, thin SVD',
        'torch, the same in f32',
        'torch foreach',
        'torch fused',
        'torch loop',
        'torch, official order',
        'torch (LAPACK)',
        'numpy',
        'numpy (f64 inside)',
        'tfjs-wasm Adam',
        'tfjs-cpu Adam',
        'jax-js Adam',
        'ml-matrix (f64)',
      ]),
    );
    expect(results.map(printMeasured).join('\n')).toContain('missing: torch foreach (left out)');
  });

  test('says which targets could not be measured', () => {
    const eigh = results.find(({ title }) => title === 'eigh f32, n = 64');
    expect(eigh?.targets).toEqual([{ row: 'torch (LAPACK)', says: 'torch (LAPACK) ÷ ours ≥ 0.9', value: null, verdict: 'not measured' }]);
    expect(tally(results, [])).toMatch(/\d+ targets met, \d+ missed, \d+ not measured/);
  });
});

test('sizes are printed with their target', () => {
  const target = { row: 'all', says: '≤ 30 kB', value: 31_000, verdict: 'missed' } as const;
  const text = printSizes([
    { name: 'all', bytes: 31_000, target },
    { name: 'part', bytes: null, failed: 'not there' },
  ]);
  expect(text).toContain('31.0 kB');
  expect(text).toContain('≤ 30 kB: MISSED');
  expect(text).toContain('failed: part (not there)');
});

test('the onnx section times both backends, and names what has no peer', async () => {
  const comparisons = onnxSteps(noPeers('onnx', 'left out'));
  expect(comparisons.map(({ targets }) => targets.length)).toEqual(comparisons.map(() => 1));
  const last = comparisons.find(({ title }) => title === 'AdamW, ten parameters');
  if (last === undefined) throw new Error('there is no such comparison');
  const { rows, targets } = await measure(last, pace);
  expect(rows.map(({ name, turns }) => [name, turns])).toEqual([
    ['ours', 2],
    ['ours on wasm', 2],
  ]);
  expect(targets[0]?.value).toBeTypeOf('number');
});
