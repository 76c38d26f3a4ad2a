import { describe, expect, it } from 'vitest';
import { draw, philox } from './random.ts';

describe('philox', () => {
  // Known answers of Random123, kat_vectors.
  it.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ] as const)('%j under %j', (counter, key, expected) => {
    expect(
      philox(counter, key)
        .map((word) => word.toString(16).padStart(8, '0'))
        .join(' '),
    ).toBe(expected);
  });
});

describe('draw', () => {
  const drawn = (
    ...args: [distribution: 'normal' | 'uniform' | 'rademacher', seed: number, stream: number, call: number, length: number]
  ): number[] => {
    const [distribution, seed, stream, call, length] = args;
    const out = new Float64Array(length);
    draw(distribution, seed, stream, call, out);
    return [...out];
  };

  it('is made of the words of its counter and key', () => {
    const open = (word: number): number => (word + 0.5) / 2 ** 32;
    const [first, second] = philox([1, 0, 5, 0], [3, 4]);
    expect(drawn('uniform', 3, 4, 5, 4).slice(2)).toEqual([open(first), open(second)]);
    expect(drawn('rademacher', 3, 4, 5, 4).slice(2)).toEqual([first < 2 ** 31 ? -1 : 1, second < 2 ** 31 ? -1 : 1]);
    const [radius, angle] = [Math.sqrt(-2 * Math.log(open(first))), 2 * Math.PI * open(second)];
    expect(drawn('normal', 3, 4, 5, 4).slice(2)).toEqual([radius * Math.cos(angle), radius * Math.sin(angle)]);
  });

  it('a longer draw begins with the shorter one, also where that ends between two of a pair', () => {
    for (const length of [1, 2, 3, 7]) expect(drawn('normal', 1, 2, 3, 9).slice(0, length)).toEqual(drawn('normal', 1, 2, 3, length));
  });

  it('calls beyond 2³² are calls of their own', () => {
    expect(drawn('uniform', 1, 2, 2 ** 32, 2)).not.toEqual(drawn('uniform', 1, 2, 0, 2));
  });
});
