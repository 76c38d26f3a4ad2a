import { describe, expect, it } from 'vitest';
import { byteValues, decoded, encoded, largestCoded, narrowTypes, roundingBits, roundingKey } from './narrow.ts';
import type { Narrow } from './program.ts';

const codes: Readonly<Record<Narrow, number>> = { bf16: 0x7f80, f16: 0x7801, int8: 128, uint8: 256 };
const randoms = [0, 1, 0x7fff, 0x8000, 0xffff];

describe.each(narrowTypes)('%s', (type) => {
  const known = Array.from({ length: codes[type] }, (_, code) => code).filter((code) => type !== 'uint8' || code !== 1);

  it('has a code for each of its values, whatever the random bits', () => {
    for (const code of known)
      for (const random of [0, 0x8000, ...(type === 'bf16' || type === 'f16' ? [0xffff] : [0xfff0])])
        if (encoded(type, decoded(type, code), random) !== code)
          expect.fail(`${code} became ${encoded(type, decoded(type, code), random)}`);
  });

  it('grows with its codes, up to the largest', () => {
    const values = known.map((code) => decoded(type, code));
    values.slice(1).forEach((value, i) => {
      expect(value).toBeGreaterThan(values[i] ?? Number.NaN);
    });
    expect(values[0]).toBe(0);
    expect(values.at(-1)).toBe(largestCoded[type]);
  });

  it('rounds to one of the two neighbours, and to the end beyond it', () => {
    const values = known.map((code) => decoded(type, code));
    for (const x of [1e-7, 3e-5, 0.00123, 0.0999, 0.1, 0.37, 0.94])
      for (const random of randoms) {
        const above = values.findIndex((value) => value >= x);
        const [low = 0, high = 0] = [values[above - 1], values[above]];
        expect([low, high]).toContain(decoded(type, encoded(type, x, random)));
      }
    for (const random of randoms) {
      expect(decoded(type, encoded(type, Infinity, random))).toBe(largestCoded[type]);
      expect(encoded(type, Number.NaN, random)).toBe(0);
      if (type !== 'uint8') expect(decoded(type, encoded(type, -Infinity, random))).toBe(-largestCoded[type]);
      else expect(encoded(type, -1, random)).toBe(0);
    }
  });

  it('keeps what is above 0 above 0 where asked to', () => {
    if (type === 'bf16') {
      expect(decoded(type, encoded(type, 2 ** -126, 0))).toBe(2 ** -126);
      return;
    }
    for (const random of randoms) expect(decoded(type, encoded(type, 1e-30, random, true))).toBe(decoded(type, type === 'uint8' ? 2 : 1));
    expect(encoded(type, 0, 0xffff, true)).toBe(0);
  });
});

it('dynamic maps have the means of their decades, brought to 1', () => {
  const top = { int8: 0.1 + 0.9 * (63.5 / 64), uint8: 0.1 + 0.9 * (127.5 / 128) };
  expect(decoded('int8', 1)).toBeCloseTo((0.55 * 1e-6) / top.int8, 12);
  expect(decoded('int8', 64)).toBeCloseTo((0.1 + 0.45 / 64) / top.int8, 7);
  expect(decoded('uint8', 2)).toBeCloseTo((0.325 * 1e-6) / top.uint8, 12);
  expect(decoded('uint8', 3)).toBeCloseTo((0.775 * 1e-6) / top.uint8, 12);
  expect(byteValues('int8')[255]).toBe(-1);
});

it('f16 is that of DataView, bf16 the upper half of an f32', () => {
  for (const [x, bits] of [
    [1, 0x3c00],
    [2 ** -24, 1],
    [-1.5, 0xbe00],
    [2 ** -14, 0x0400],
  ] as const)
    expect(encoded('f16', x)).toBe(bits);
  expect([encoded('bf16', 1), encoded('bf16', -2), encoded('bf16', 1 + 2 ** -8), encoded('bf16', 1 + 2 ** -8, 0)]).toEqual([
    0x3f80, 0xc000, 0x3f81, 0x3f80,
  ]);
});

it('random bits differ by element, run, key and half, and are spread evenly', () => {
  const key = roundingKey(1, 2);
  const draws = Array.from({ length: 4096 }, (_, i) => roundingBits(key, 7, i, 0));
  const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length / 65_536;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
  expect(new Set(draws).size).toBeGreaterThan(3800);
  const runs = Array.from({ length: 4096 }, (_, call) => roundingBits(key, call, 5, 1));
  expect(Math.abs(runs.reduce((sum, x) => sum + x, 0) / runs.length / 65_536 - 0.5)).toBeLessThan(0.02);
  expect(
    new Set([roundingBits(key, 1, 0, 0), roundingBits(key, 1, 0, 1), roundingBits(roundingKey(2, 2), 1, 0, 0), roundingBits(key, 2, 0, 0)])
      .size,
  ).toBe(4);
});
