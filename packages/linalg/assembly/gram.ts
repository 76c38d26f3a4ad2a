// XᵀX of a tall float32 matrix, accumulated in float64: a singular value σ then survives down to 1e-8 of the largest, not 3e-4.
import { fill, rowBytes } from './element';
import { MIRRORED, LOWER, gemm, gemmScratch } from './gemm';

/** Rows converted at a time. */
const ROWS: i32 = 256;

export function gramScratch(d: i32, k: i32): f64 {
  const rows = min(d, ROWS);
  return <f64>rows * <f64>rowBytes(8, k) + gemmScratch(8, k, k, rows) + 16;
}

/** C [k,k] ← XᵀX; leading dimensions in bytes. */
export function gram(d: i32, k: i32, x: usize, ldx: usize, c: usize, ldc: usize, scratch: usize): void {
  if (d <= 0) return fill(8, k, k, c, ldc, 0);
  const wide = (scratch + 15) & ~15;
  const ld = rowBytes(8, k);
  const free = wide + <usize>min(d, ROWS) * ld;
  for (let i0 = 0; i0 < d; i0 += ROWS) {
    const rows = min(ROWS, d - i0);
    for (let i = 0; i < rows; i++) {
      const from = x + (i0 + i) * ldx;
      const to = wide + i * ld;
      let j = 0;
      for (; j + 2 <= k; j += 2) v128.store(to + (<usize>j << 3), f64x2.promote_low_f32x4(v128.load64_zero(from + (<usize>j << 2))));
      if (j < k) store<f64>(to + (<usize>j << 3), <f64>load<f32>(from + (<usize>j << 2)));
    }
    const result = i0 + rows == d ? MIRRORED : LOWER;
    gemm(8, k, k, rows, 1, wide, ld, true, wide, ld, false, i0 == 0 ? 0 : 1, c, ldc, result, free);
  }
}
