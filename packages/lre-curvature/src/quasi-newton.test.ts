import { describe, expect, it } from 'vitest';
import { bfgs, shorR, sr1 } from './index.ts';
import { drive, type Step } from './testing/drive.ts';

const H = [4, -2, 1];
const hvp = (z: readonly number[]): number[] => z.map((x, i) => (H[i] ?? 0) * x);
const step = (probe: readonly number[], product: Step['hvp'] = hvp): Step => ({ gradient: [1, 1, 1], probe, hvp: product ?? hvp });
const close = (actual: readonly number[] | undefined, expected: readonly number[]): void => {
  expected.forEach((x, i) => {
    expect(actual?.[i]).toBeCloseTo(x, 12);
  });
};

describe('sr1', () => {
  it('starts against B = 0: Hz/√|zᵀHz| (D2)', () => {
    const [positive, negative] = drive(sr1(), [step([1, 0, 1]), step([0, 2, 0])]);
    close(positive?.Y[0], [4 / Math.sqrt(5), 0, 1 / Math.sqrt(5)]);
    expect(positive?.alpha).toEqual([1]);
    close(negative?.Y[0], [0, -4 / Math.sqrt(8), 0]);
    expect(negative?.alpha).toEqual([-1]);
  });

  it('corrects what B has wrong, so that B + correction has the product', () => {
    const [only] = drive(sr1(), [step([1, 0, 0])], { matrix: { Q: [[1, 0, 0]], L: [1] } });
    // e = (4 − 1)·e₁, c = 3: the correction is 3·e₁e₁ᵀ.
    close(only?.Y[0], [Math.sqrt(3), 0, 0]);
  });

  it('rejects what is no correction, and negative ones if asked', () => {
    const matrix = { Q: [[1, 0, 0]], L: [4] };
    expect(drive(sr1(), [step([1, 0, 0])], { matrix })[0]?.accepted).toBe(false);
    expect(drive(sr1({ positiveOnly: true }), [step([0, 1, 0])])[0]?.accepted).toBe(false);
    expect(drive(sr1(), [step([1, 0, 0], () => [0, 1, 0])])[0]?.accepted).toBe(false);
    expect(drive(sr1(), [step([1, 0, 0], () => [Number.NaN, 1, 0])])[0]?.accepted).toBe(false);
  });

  it('tracks the inverse with z and Hz swapped', () => {
    const [only] = drive(sr1({ inverse: true }), [step([1, 0, 0])]);
    // (s, y) = (4e₁, e₁): the correction is ¼e₁e₁ᵀ.
    close(only?.Y[0], [0.5, 0, 0]);
  });
});

describe('bfgs', () => {
  it('starts against B = 0 with a w of zeros (D2)', () => {
    const [only] = drive(bfgs(), [step([1, 0, 1])]);
    close(only?.Y[0], [4 / Math.sqrt(5), 0, 1 / Math.sqrt(5)]);
    close(only?.Y[1], [0, 0, 0]);
    expect(only?.alpha).toEqual([1, -1]);
  });

  it('replaces what B had along z', () => {
    const [only] = drive(bfgs(), [step([1, 0, 0])], { matrix: { Q: [[1, 0, 0]], L: [9] } });
    close(only?.Y[0], [2, 0, 0]);
    close(only?.Y[1], [3, 0, 0]);
  });

  it('damps negative curvature where B has some, rejects it where B has none or without damping', () => {
    const matrix = { Q: [[0, 1, 0]], L: [5] };
    const [damped] = drive(bfgs({ c: 0.2 }), [step([0, 1, 0])], { matrix });
    expect(damped?.accepted).toBe(true);
    // y is drawn to sᵀy = c·sᵀBs = 1.
    close(damped?.Y[0], [0, 1, 0]);
    expect(drive(bfgs({ c: 0.2 }), [step([0, 1, 0])])[0]?.accepted).toBe(false);
    expect(drive(bfgs({ c: null }), [step([0, 1, 0])], { matrix })[0]?.accepted).toBe(false);
  });

  it('takes rounding noise of a probe orthogonal to B for 0, and never gives NaN (D14)', () => {
    // A Q that is orthogonal to z up to rounding only.
    const z = [1, 1e-8, 0];
    const matrix = { Q: [[-1e-8, 1, 0]], L: [1e3] };
    const [only] = drive(bfgs(), [step(z)], { matrix, precision: 'f32' });
    expect(only?.Y.flat().every(Number.isFinite)).toBe(true);
    close(only?.Y[1], [0, 0, 0]);
  });
});

describe('shorR', () => {
  it('shrinks along By for a < 1, grows for a > 1, and has nothing to do while B is 0', () => {
    const matrix = { Q: [[1, 0, 0]], L: [2] };
    const [shrink] = drive(shorR({ alpha: 0.5 }), [step([1, 0, 0])], { matrix });
    // y = 4e₁, By = 8e₁, yᵀBy = 32.
    close(shrink?.Y[0], [8 * Math.sqrt(0.75 / 32), 0, 0]);
    expect(shrink?.alpha).toEqual([-1]);
    const [grow] = drive(shorR({ alpha: 2 }), [step([1, 0, 0])], { matrix });
    close(grow?.Y[0], [8 * Math.sqrt(3 / 32), 0, 0]);
    expect(grow?.alpha).toEqual([1]);
    expect(drive(shorR(), [step([1, 0, 0])])[0]?.accepted).toBe(false);
  });
});
