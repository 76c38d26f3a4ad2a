import { describe, expect, it } from 'vitest';
import { fullHutchinsonHessian, type ProbeKind, sr1 } from './index.ts';
import { drive, type Step } from './testing/drive.ts';

const d = 6;
const steps: Step[] = Array.from({ length: 4 }, (_, t) => ({
  gradient: Array.from({ length: d }, (__, i) => Math.sin(t + i + 1)),
  parameter: Array.from({ length: d }, (__, i) => t * (i + 1)),
  hvp: (z) => z,
}));
const probes = (z: ProbeKind, orthogonalize = false, given: readonly Step[] = steps): (readonly number[])[] =>
  drive(fullHutchinsonHessian({ z, orthogonalize }), given).map((result) => result.z);
const isRademacher = (z: readonly number[]): boolean => z.every((x) => Math.abs(x) === 1);

describe('probes are what was asked for (D1)', () => {
  it('rademacher: ±1; normal: neither', () => {
    expect(probes('rademacher').every(isRademacher)).toBe(true);
    expect(probes('normal').some(isRademacher)).toBe(false);
    expect(new Set(probes('normal').map(String)).size).toBe(4);
  });

  it('g: the gradient, which is left as it is', () => {
    const results = drive(fullHutchinsonHessian({ z: 'g' }), steps);
    expect(results.map(({ z }) => z)).toEqual(steps.map(({ gradient }) => gradient));
    expect(results.map(({ gradient }) => gradient)).toEqual(steps.map(({ gradient }) => gradient));
  });

  it('s: the way since the last refresh, normal the first time', () => {
    const [first, ...later] = probes('s');
    expect(isRademacher(first ?? [])).toBe(false);
    expect(later).toEqual([1, 1, 1].map(() => Array.from({ length: d }, (_, i) => i + 1)));
    const [, , , fourth] = probes(
      's',
      false,
      steps.map((step, t) => ({ ...step, refresh: t !== 2 })),
    );
    expect(fourth).toEqual(Array.from({ length: d }, (_, i) => 2 * (i + 1)));
  });

  it('mixed: each of them now and then', () => {
    const many = Array.from({ length: 40 }, (_, t) => steps[t % 4] ?? { gradient: [] });
    const results = probes('mixed', false, many);
    const kinds = results.map((z, t) => (isRademacher(z) ? 'rademacher' : String(z) === String(many[t]?.gradient) ? 'g' : 'other'));
    expect(new Set(kinds)).toEqual(new Set(['rademacher', 'g', 'other']));
  });

  it('Rademacher where s or g is 0', () => {
    const still = steps.map((step) => ({ ...step, gradient: new Array<number>(d).fill(0), parameter: new Array<number>(d).fill(0) }));
    expect(probes('g', false, still).every(isRademacher)).toBe(true);
    expect(probes('s', false, still).slice(1).every(isRademacher)).toBe(true);
  });
});

describe('orthogonalised probes', () => {
  const e = (i: number): number[] => Array.from({ length: d }, (_, j) => Number(i === j));

  it('are free of the basis and of unit length', () => {
    const [only] = drive(sr1(), steps.slice(0, 1), { matrix: { Q: [e(0), e(1)], L: [1, 1] } });
    expect(Math.hypot(...(only?.z ?? []))).toBeCloseTo(1, 12);
    expect(Math.abs(only?.z[0] ?? 1)).toBeLessThan(1e-12);
    expect(Math.abs(only?.z[1] ?? 1)).toBeLessThan(1e-12);
  });

  it('are drawn anew where nothing but noise remains', () => {
    const inside = [{ gradient: e(0), hvp: (z: readonly number[]) => z }];
    const [only] = drive(sr1({ z: 'g' }), inside, { matrix: { Q: [e(0)], L: [1] } });
    expect(Math.abs(only?.z[0] ?? 1)).toBeLessThan(1e-12);
    expect(Math.hypot(...(only?.z ?? []))).toBeCloseTo(1, 12);
  });

  it('are left as they are where the basis spans everything', () => {
    const [only] = drive(sr1(), steps.slice(0, 1), { matrix: { Q: Array.from({ length: d }, (_, i) => e(i)), L: new Array(d).fill(1) } });
    expect(Math.hypot(...(only?.z ?? []))).toBeCloseTo(1, 12);
  });
});
