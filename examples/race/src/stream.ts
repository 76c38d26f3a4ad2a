/** What a stream of random numbers is for; each purpose has its own, so that drawing more of one never moves another. */
const purposes = { weights: 1, batches: 2, data: 3 } as const;

/** Draws the next uniform number in [0, 1). */
export type Draw = () => number;

/**
 * mulberry32: uniform numbers in [0, 1) from a 32-bit state a.
 *
 * a ← a + 0x6D2B79F5;  t ← imul(a ^ a>>>15, a | 1);  t ← t ^ (t + imul(t ^ t>>>7, t | 61));  u = ((t ^ t>>>14) >>> 0) / 2³²
 */
const mulberry32 = (start: number): Draw => {
  let a = start | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** The stream of run `seed` for one purpose: mulberry32 started at imul(0x9E3779B9, 4·seed + purpose). */
export const stream = (seed: number, purpose: keyof typeof purposes): Draw =>
  mulberry32(Math.imul(0x9e3779b9, 4 * seed + purposes[purpose]));
