import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import header from '../data/header.json' with { type: 'json' };
import { batches } from './batches.ts';
import { type GradientEngine, gradientEngine } from './gradient-engine.ts';
import { initialWeights } from './initial-weights.ts';
import { mnist1d, pick } from './mnist1d.ts';
import { parameterCount, parameterShapes } from './model.ts';
import recorded from './recorded.json' with { type: 'json' };
import { stream } from './stream.ts';

const data = mnist1d();
let engine: GradientEngine;
beforeAll(async () => {
  engine = await gradientEngine();
});
afterAll(() => engine.dispose());

describe.each(recorded.checks)('seed $seed starts as recorded', (check) => {
  const weights = initialWeights(stream(check.seed, 'weights'));
  const flat = Float32Array.from(parameterShapes.flatMap(({ name }) => [...(weights[name] ?? [])]));
  const firstBatch = batches(data.train.count, 64, stream(check.seed, 'batches'))();

  test('initial parameters', () => {
    expect(flat.length).toBe(parameterCount);
    expect([...flat.subarray(0, 4)]).toEqual(check.firstParameterValues);
    expect(flat.at(-1)).toBe(check.lastParameterValue);
    expect(createHash('sha256').update(flat).digest('hex')).toBe(check.parametersSha256);
  });

  test('first batch', () => {
    expect([...firstBatch.subarray(0, 8)]).toEqual(check.firstBatchIndices);
  });

  test('first loss', () => {
    const { loss } = engine.lossAndGradients(weights, pick(data.train, firstBatch));
    expect(Math.abs(loss / check.firstLoss - 1)).toBeLessThan(1e-5);
  });
});

describe('the data is the published one', () => {
  const folder = new URL('../data/', import.meta.url);

  test.each(Object.entries(header.files))('%s', (file, { sha256 }) => {
    const content = readFileSync(new URL(file, folder));
    expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
  });

  test('and is read as the header says', () => {
    expect([...data.train.inputs.subarray(0, 4)]).toEqual(header.check['xTrain[0][0..3]']);
    const labels = Array.from({ length: 10 }, (_, row) => data.train.targets.subarray(row * 10, row * 10 + 10).indexOf(1));
    expect(labels).toEqual(header.check['yTrain[0..9]']);
    const counts = Array.from(
      { length: 10 },
      (_, label) => data.test.targets.filter((value, index) => value === 1 && index % 10 === label).length,
    );
    expect(counts).toEqual(header.check['labelCountsTest']);
  });
});
