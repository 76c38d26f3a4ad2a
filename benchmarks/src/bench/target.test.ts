import { describe, expect, test } from 'vitest';
import { bytesAtMost, gigaflopsAtLeast, judge, microsecondsAtMost, ratioAtLeast } from './target.ts';

const medians = (name: string): number | undefined => ({ ours: 0.002, peer: 0.005, tiny: 5e-6 })[name];

describe('targets', () => {
  test.each([
    [ratioAtLeast('peer', 'ours', 2.5), 'met', 2.5],
    [ratioAtLeast('peer', 'ours', 2.6), 'missed', 2.5],
    [ratioAtLeast('nobody', 'ours', 1), 'not measured', null],
    [ratioAtLeast('peer', 'nobody', 1), 'not measured', null],
    [microsecondsAtMost('tiny', 5), 'met', 5],
    [microsecondsAtMost('ours', 5), 'missed', 2000],
    [bytesAtMost('ours', 44, { name: '4d', bytes: 40 }, 1.1), 'met', 1.1],
    [bytesAtMost('ours', 45, { name: '4d', bytes: 40 }, 1.1), 'missed', 1.125],
    [gigaflopsAtLeast('ours', 5e7, 25), 'met', 25],
    [gigaflopsAtLeast('ours', 5e7, 25.1), 'missed', 25],
  ] as const)('%o', (target, verdict, value) => {
    const judged = judge(target, medians);
    expect(judged.verdict).toBe(verdict);
    if (value === null) expect(judged.value).toBeNull();
    else expect(judged.value).toBeCloseTo(value, 9);
  });

  test('say what they ask for', () => {
    expect(ratioAtLeast('torch foreach', 'ours', 2.5).says).toBe('torch foreach ÷ ours ≥ 2.5');
    expect(microsecondsAtMost('ours', 5).says).toBe('≤ 5 µs');
    expect(bytesAtMost('ours', 1, { name: '4d', bytes: 1 }, 1.1).says).toBe('state ≤ 1.1 × 4d');
    expect(gigaflopsAtLeast('ours', 1, 25).says).toBe('≥ 25 GFLOP/s');
  });
});
