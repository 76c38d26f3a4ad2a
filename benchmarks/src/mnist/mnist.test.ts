import { fileURLToPath } from 'node:url';
import { wasm } from '@opt/backend-wasm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { misses } from './acceptance.ts';
import { readMnist } from './data.ts';
import { readRecorded } from './recorded.ts';
import { rows } from './rows.ts';
import { type Run, train } from './train.ts';
import { turnsOf } from './turns.ts';

const data = readMnist(fileURLToPath(new URL('../../data/mnist', import.meta.url)));
const recorded = readRecorded();

beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterAll(() => {
  vi.restoreAllMocks();
});

/** Dual ascent makes this one as slow as all others together: its first epoch says enough. */
const epochsOf = (name: string): number => (name === 'corrected/l1-stiefel' ? 1 : 5);

describe('8,192 images, against the recorded runs', () => {
  it.each(rows.map((row) => ({ row, name: `${row.kind}/${row.name}` })))(
    '$name',
    ({ row, name }) => {
      const run = train(row, data, epochsOf(name), wasm(), { turns: turnsOf('quick', row) });
      expect(misses(row, run, recorded[row.kind][row.name]?.quick, 'quick')).toEqual([]);
    },
    600_000,
  );
});

it('turns only what is within rounding of 0', () => {
  const [row] = rows;
  if (row === undefined) throw new Error('there are no rows');
  expect(() => train(row, data, 1, wasm(), { turns: [{ step: 2, layer: 1, image: 0, unit: 0, open: true }] })).toThrow(
    /is not within rounding of 0/,
  );
});

describe('limits', () => {
  const row = rows.find(({ name, kind }) => name === 'adamw' && kind === 'repository');
  const known = recorded.repository['adamw']?.quick;
  const like = (change: Partial<Run>): Run => ({
    firstLosses: known?.firstLosses ?? [],
    epochs: known?.epochs ?? [],
    constraintError: undefined,
    seconds: 0,
    ...change,
  });

  it('are missed by what differs, in words', () => {
    if (row === undefined || known === undefined) throw new Error('the recorded AdamW row is missing');
    expect(misses(row, like({}), known, 'quick')).toEqual([]);
    expect(misses(row, like({ firstLosses: known.firstLosses.map((x) => x * 1.001) }), known, 'quick')).toEqual([
      'first losses off by more than 0.0001',
    ]);
    const worse = known.epochs.map(({ trainLoss, testAccuracy }) => ({ trainLoss: 1.2 * trainLoss, testAccuracy: testAccuracy - 2 }));
    expect(misses(row, like({ epochs: worse }), known, 'quick')).toEqual([
      'training loss of epoch 1 off by 2.0e-1',
      'accuracy more than 1.5 points from 91.55',
      'training loss more than 10 % from 0.14268',
    ]);
  });

  it('of a manifold are missed off it', () => {
    const stiefel = rows.find(({ name, kind }) => name === 'stiefel' && kind === 'corrected');
    if (stiefel === undefined) throw new Error('there is no Stiefel row');
    expect(misses(stiefel, like({ constraintError: 1e-5 }), undefined, 'quick')).toEqual([]);
    for (const constraintError of [2e-5, Number.NaN, undefined])
      expect(misses(stiefel, like({ constraintError }), undefined, 'quick')).toEqual([`off its manifold by ${constraintError}`]);
  });

  it('of the row whose recorded losses hold rounding are those of double precision, and what rounding does to the original', () => {
    const symplectic = rows.find(({ name, kind }) => name === 'symplectic' && kind === 'repository');
    const rounded = recorded.repository['symplectic']?.quick;
    if (symplectic === undefined || rounded === undefined) throw new Error('the recorded symplectic row is missing');
    expect(misses(symplectic, { ...rounded, constraintError: 0, seconds: 0 }, rounded, 'quick')).toEqual([
      'first losses off by more than 0.0001',
    ]);
    const farther = rounded.firstLosses.map((x) => 1.02 * x);
    expect(misses(symplectic, { ...rounded, firstLosses: farther, constraintError: 0, seconds: 0 }, rounded, 'quick')).toEqual([
      'first losses off by more than 0.0001',
      'first losses off the recorded ones by more than 0.018',
    ]);
  });
});
