import type { Distribution, Floats } from '@opt/core';

type Words = readonly [number, number, number, number];

/** Philox 4×32-10 (Salmon et al. 2011): four random words from a counter of four and a key of two. */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [a, b, c, d] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(0xd2511f53, a);
    const [high1, low1] = multiply(0xcd9e8d57, c);
    [a, b, c, d] = [(high1 ^ b ^ k0) >>> 0, low1, (high0 ^ d ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [a, b, c, d];
}

/** Low and high word of a whole number. */
const words = (x: number): [low: number, high: number] => [x >>> 0, Math.floor(x / 2 ** 32) >>> 0];

/** The 64-bit product of two words, as high and low word. */
function multiply(x: number, y: number): [high: number, low: number] {
  const [x1, x0, y1, y0] = [x >>> 16, x & 0xffff, y >>> 16, y & 0xffff];
  const low = x0 * y0;
  const middle = x1 * y0 + Math.floor(low / 65536);
  const other = x0 * y1 + (middle & 0xffff);
  return [(x1 * y1 + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0, Math.imul(x, y) >>> 0];
}

/** A word in (0, 1). */
const open = (word: number): number => (word + 0.5) / 2 ** 32;

/**
 * Fills `out`: uniform in (0, 1), ±1, or standard normal (Box–Muller, one pair per two elements). The counter is (position, call),
 * the key (seed, stream), so any element of any draw can be had on its own, in any order.
 */
export function draw(distribution: Distribution, seed: number, stream: number, call: number, out: Floats): void {
  for (let i = 0; i < out.length; i += 2) {
    const [first, second] = philox([...words(i / 2), ...words(call)], [seed >>> 0, stream >>> 0]);
    const radius = Math.sqrt(-2 * Math.log(open(first)));
    const angle = 2 * Math.PI * open(second);
    const pair =
      distribution === 'normal'
        ? [radius * Math.cos(angle), radius * Math.sin(angle)]
        : [first, second].map((word) => (distribution === 'uniform' ? open(word) : word < 2 ** 31 ? -1 : 1));
    out.set(pair.slice(0, out.length - i), i);
  }
}
