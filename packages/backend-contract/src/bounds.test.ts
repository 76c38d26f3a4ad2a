import { readFileSync } from 'node:fs';
import { reference } from '@opt/backend-reference';
import { describe, expect, it } from 'vitest';
import { parseGolden, replay } from './index.ts';

const recorded: unknown = JSON.parse(readFileSync(new URL('../golden/geometric/stiefel-spectral-tall.json', import.meta.url), 'utf8'));
const bounded = (bounds: unknown) => parseGolden({ ...(typeof recorded === 'object' ? recorded : {}), bounds });

describe('bounds of a case', () => {
  it('are looked at after every step, in the precision at hand', async () => {
    const bounds = { constraintError: { float64: 0, float32: 1 } };
    expect(await replay(bounded(bounds), reference())).toMatchObject({
      result: 'failed',
      step: 1,
      tensor: 'constraintError of w',
      tolerance: 0,
    });
    expect(await replay(bounded(bounds), reference({ precision: 'f32' }))).toMatchObject({ result: 'passed' });
  });

  it('are refused where nothing measures them', async () => {
    await expect(replay(bounded({ beauty: { float64: 1, float32: 1 } }), reference())).rejects.toThrow(
      "no measure is called 'beauty', known are ",
    );
    expect(() => bounded({ constraintError: 3 })).toThrow('stiefel/spectral-tall: bounds.constraintError must have float64 and float32');
  });
});
