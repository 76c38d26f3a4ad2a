import { describe, expect, it } from 'vitest';
import { remember } from './memory.ts';
import { dot, flattest, length } from './quadratic.ts';
import { pairs, steps } from './size.ts';
import { descents } from './sphere.ts';

describe('an associative memory', () => {
  const found = remember({ exponent: 1, turned: true });
  const learned = (label: string, pair: number, step: number): number =>
    found.find((one) => one.label === label)?.right[step * pairs + pair] ?? Number.NaN;
  /** The step at which a pair is answered right in half of all cases. */
  const when = (label: string, pair: number): number => {
    for (let step = 0; step <= steps; step++) if (learned(label, pair, step) > 0.5) return step;
    return Number.POSITIVE_INFINITY;
  };

  it('knows nothing before the first step', () => {
    for (const { right } of found) for (let pair = 0; pair < pairs; pair++) expect(right[pair]).toBeCloseTo(1 / pairs, 12);
  });

  it('learns all pairs at once with Muon, one after the other without', () => {
    const lateness = (label: string): number => when(label, pairs - 1) / when(label, 0);
    expect(lateness('Muon')).toBeLessThan(1.5);
    expect(lateness('AdamW')).toBeGreaterThan(5);
    expect(lateness('SGD + momentum')).toBeGreaterThan(5);
  });
});

describe('a sphere', () => {
  const [riemannian, momentum, plain] = descents({ condition: 20 });

  it('is not left by who walks on it, and leads to the flattest direction', () => {
    for (const path of [riemannian, momentum]) {
      for (const point of path?.points ?? []) expect(length(point)).toBeCloseTo(1, 5);
      expect(Math.abs(dot(path?.points.at(-1) ?? [0, 0, 0], flattest))).toBeGreaterThan(0.99);
    }
  });

  it('is left by SGD, which goes to 0', () => {
    expect(length(plain?.points.at(-1) ?? [1, 1, 1])).toBeLessThan(0.2);
  });
});
