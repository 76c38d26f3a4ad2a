import { describe, expect, it } from 'vitest';
import { answerAt, choice } from './randomness.ts';

describe('choice', () => {
  const shares = (weights: Readonly<Record<string, number>>, draws: number): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (let count = 0; count < draws; count++) {
      const chosen = choice(weights, 3, 7, count);
      counts[chosen] = (counts[chosen] ?? 0) + 1 / draws;
    }
    return counts;
  };

  it('follows the weights', () => {
    const even = shares({ a: 1, b: 1, c: 1, d: 1 }, 10_000);
    for (const share of Object.values(even)) expect(Math.abs(share - 0.25)).toBeLessThan(0.02);
    expect(Math.abs((shares({ keep: 100, retract: 1 }, 100_000)['retract'] ?? 0) - 1 / 101)).toBeLessThan(0.002);
    expect(shares({ always: 1, never: 0 }, 100)).toEqual({ always: expect.closeTo(1, 9) });
  });

  it('is the same for the same seed, stream and count', () => {
    const path = (seed: number): string[] => Array.from({ length: 50 }, (_, count) => choice({ a: 1, b: 1 }, seed, 1, count));
    expect(path(1)).toEqual(path(1));
    expect(path(1)).not.toEqual(path(2));
  });

  it('can be told by position', () => {
    expect([0, 1, 5].map((position) => answerAt({ a: 1, b: 1 }, position))).toEqual(['a', 'b', 'b']);
    expect(() => answerAt({}, 0)).toThrow(RangeError);
  });
});
