import { describe, expect, it } from 'vitest';
import { ggt } from './index.ts';
import { type Columns, distance, drive, gram, sumOfOuter, wave } from './testing/drive.ts';

const d = 9;
const gradients = (n: number): Columns[] => Array.from({ length: n }, (_, t) => ({ Y: [wave(d, t)] }));

describe('ggt', () => {
  it('is the sum of the last h corrections, whatever slot they are in', () => {
    const corrections = gradients(7);
    drive(ggt({ historySize: 4, eigTol: 1e-9 }), corrections).forEach(({ Q, L, matrix }, t) => {
      expect(distance(matrix, sumOfOuter(corrections.slice(Math.max(0, t - 3), t + 1)))).toBeLessThan(1e-12);
      expect(Q).toHaveLength(Math.min(4, t + 1));
      expect([...L].sort((a, b) => a - b)).toEqual(L);
      gram(Q).forEach((row, i) => {
        row.forEach((x, j) => {
          expect(x).toBeCloseTo(Number(i === j), 9);
        });
      });
    });
  });

  it('takes several columns at a time, and of more than there is room for the last', () => {
    const corrections = [{ Y: [wave(d, 0)] }, { Y: [wave(d, 1), wave(d, 2)] }, { Y: [wave(d, 3), wave(d, 4), wave(d, 5), wave(d, 6)] }];
    const [, second, third] = drive(ggt({ historySize: 3, eigTol: 1e-9 }), corrections);
    expect(distance(second?.matrix ?? [], sumOfOuter(corrections.slice(0, 2)))).toBeLessThan(1e-12);
    expect(distance(third?.matrix ?? [], sumOfOuter([{ Y: (corrections[2]?.Y ?? []).slice(1) }]))).toBeLessThan(1e-12);
  });

  it('drops what lies below eigTol, truncates, and keeps zero and repeated columns out', () => {
    const corrections = [{ Y: [new Array(d).fill(0)] }, { Y: [wave(d, 1)] }, { Y: [wave(d, 1)] }, { Y: [wave(d, 2)] }];
    expect(drive(ggt({ historySize: 4 }), corrections).map(({ Q }) => Q.length)).toEqual([0, 1, 1, 2]);
    expect(drive(ggt({ historySize: 4, truncate: 1 }), corrections).map(({ Q }) => Q.length)).toEqual([0, 1, 1, 1]);
    expect(drive(ggt({ historySize: 4, eigTol: 0.9 }), corrections).map(({ Q }) => Q.length)).toEqual([0, 1, 1, 1]);
  });

  it('shortens columns by damping: σ²/(σ²+damping)', () => {
    const y = wave(d, 1);
    const size = y.reduce((sum, x) => sum + x * x, 0);
    const [first] = drive(ggt({ damping: 2 }), [{ Y: [y] }]);
    expect(gram(first?.Q ?? [])[0]?.[0]).toBeCloseTo(size / (size + 2), 12);
    expect(first?.L[0]).toBeCloseTo(size + 2, 12);
  });

  it('adds rdamping to eigenvalues only, and nothing to an empty basis (D9)', () => {
    const [zero, one] = drive(ggt({ rdamping: 0.5, historySize: 3 }), [{ Y: [new Array(d).fill(0)] }, { Y: [wave(d, 1)] }]);
    expect(zero?.Q).toEqual([]);
    const size = wave(d, 1).reduce((sum, x) => sum + x * x, 0);
    expect(one?.L[0]).toBeCloseTo(1.5 * size, 10);
    expect(gram(one?.Q ?? [])[0]?.[0]).toBeCloseTo(1, 12);
  });

  const signed: Columns[] = [
    { Y: [wave(d, 1).map((x) => 2 * x)], alpha: [1] },
    { Y: [wave(d, 2)], alpha: [-1] },
    { Y: [wave(d, 3)], alpha: [1] },
  ];

  it('decomposes signed sums in their range: negative eigenvalues go, or stay by magnitude', () => {
    const [, , plain] = drive(ggt({ historySize: 5, eigTol: 1e-9 }), signed);
    expect(plain?.Q).toHaveLength(2);
    const [, , all] = drive(ggt({ historySize: 5, eigTol: 1e-9, abs: true }), signed);
    expect(all?.Q).toHaveLength(3);
    expect(Math.min(...(all?.L ?? []))).toBeGreaterThan(0);
  });

  it('keeps the largest magnitudes with abs and truncate, not the last in signed order (D9)', () => {
    const e = (i: number, size: number): number[] => Array.from({ length: d }, (_, j) => (i === j ? size : 0));
    const corrections = [{ Y: [e(0, 3), e(1, 2), e(2, 1)], alpha: [-1, 1, 1] }];
    const [last] = drive(ggt({ historySize: 3, abs: true, truncate: 1 }), corrections);
    expect(last?.L.map((x) => Math.round(x))).toEqual([9]);
    expect(Math.abs(last?.Q[0]?.[0] ?? 0)).toBeCloseTo(1, 12);
  });

  it('damps signed sums in their range only, not in directions that were never seen (D21)', () => {
    const ranks = drive(ggt({ historySize: 6, damping: 0.5, abs: true }), signed).map(({ Q }) => Q.length);
    expect(ranks).toEqual([1, 2, 3]);
  });

  it('symmetrises corrections with a Z of their own', () => {
    const corrections = [{ Y: [wave(d, 1)], Z: [wave(d, 2)] }];
    const [one] = drive(ggt({ historySize: 3, abs: true, eigTol: 1e-9 }), corrections);
    expect(one?.Q).toHaveLength(2);
    const [positive] = drive(ggt({ historySize: 3, eigTol: 1e-9 }), corrections);
    expect(positive?.Q).toHaveLength(1);
  });

  it('carries the old basis to the new one: C = Q_newᵀQ_old', () => {
    const [first, second] = drive(ggt({ historySize: 2 }), gradients(2));
    const q = first?.Q[0] ?? [];
    const expected = (second?.Q ?? []).map((row) => row.reduce((sum, x, i) => sum + x * (q[i] ?? 0), 0));
    // The old column is the last of two.
    const C = second?.C ?? [];
    expect(expected[0]).toBeCloseTo(C[1] ?? Number.NaN, 12);
    expect(expected[1]).toBeCloseTo(C[3] ?? Number.NaN, 12);
  });
});
