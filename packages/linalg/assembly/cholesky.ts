// Cholesky factor and triangular solves, in blocks of rows with matrix products for everything outside the diagonal blocks.
import { fill, get, rearrange, scale, subtractOuter } from './element';
import { FULL, LOWER, gemm, gemmScratch, rowsTimes } from './gemm';

const BLOCK: i32 = 32;

/** Rows whose part of a block of columns is done at a time: few enough cache lines whatever the leading dimension. */
const ROWS: i32 = 16;

export function solveScratch(Z: usize, n: i32, r: i32): f64 {
  return gemmScratch(Z, BLOCK, r, n);
}

/** Leading dimensions in bytes. X ← op(L)⁻¹·B, row by row of X within a block. */
export function solveTriangular(
  Z: usize, n: i32, r: i32, l: usize, ldl: usize, transposed: bool, b: usize, ldb: usize, x: usize, ldx: usize, scratch: usize,
): void {
  if (x != b) for (let i = 0; i < n; i++) memory.copy(x + i * ldx, b + i * ldb, <usize>r * Z);
  if (transposed) {
    for (let end = n; end > 0; end -= BLOCK) {
      const i0 = max(0, end - BLOCK);
      // Lᵀ above the diagonal block: column block i0 of the rows of L below it.
      gemm(Z, end - i0, r, n - end, -1, l + end * ldl + i0 * Z, ldl, true, x + end * ldx, ldx, false, 1, x + i0 * ldx, ldx, FULL, scratch);
      for (let i = end - 1; i >= i0; i--) {
        const row = x + i * ldx;
        scale(Z, r, 1 / get(Z, l + i * (ldl + Z)), row);
        subtractOuter(Z, i - i0, r, l + i * ldl + i0 * Z, Z, row, x + i0 * ldx, ldx);
      }
    }
    return;
  }
  for (let i0 = 0; i0 < n; i0 += BLOCK) {
    const end = min(n, i0 + BLOCK);
    gemm(Z, end - i0, r, i0, -1, l + i0 * ldl, ldl, false, x, ldx, false, 1, x + i0 * ldx, ldx, FULL, scratch);
    for (let i = i0; i < end; i++) {
      const row = x + i * ldx;
      scale(Z, r, 1 / get(Z, l + i * (ldl + Z)), row);
      subtractOuter(Z, end - i - 1, r, l + (i + 1) * ldl + i * Z, ldl, row, row + ldx, ldx);
    }
  }
}

export function choleskyScratch(Z: usize, n: i32): f64 {
  return gemmScratch(Z, n, n, BLOCK);
}

/** Leading dimensions in bytes. Returns 0, or 1 with L all NaN when a pivot is not positive. */
export function cholesky(Z: usize, n: i32, a: usize, lda: usize, l: usize, ldl: usize, scratch: usize): i32 {
  for (let i = 0; i < n; i++) {
    const row = l + i * ldl;
    if (a != l) memory.copy(row, a + i * lda, <usize>(i + 1) * Z);
  }
  for (let j0 = 0; j0 < n; j0 += BLOCK) {
    const end = min(n, j0 + BLOCK);
    for (let i0 = j0; i0 < n; i0 += ROWS) {
      for (let j = j0; j < end; j++) {
        const top = max(i0, j);
        const rows = min(n, i0 + ROWS) - top;
        if (rows <= 0) break;
        const row = l + j * ldl + j0 * Z;
        const column = l + top * ldl + j * Z;
        rowsTimes(Z, rows, j - j0, -1, l + top * ldl + j0 * Z, ldl, row, 1, column, ldl);
        let size = get(Z, row + <usize>(j - j0) * Z);
        if (top == j) {
          // Not (pivot > 0) also catches NaN; an infinite pivot would make a factor of zeros.
          if (!(size > 0) || size - size != 0) {
            fill(Z, n, n, l, ldl, NaN);
            return 1;
          }
          size = Math.sqrt(size);
        }
        rearrange(Z, Z, rows, 1, 1 / size, column, ldl, 0, 0, column, ldl, 0);
      }
    }
    const below = l + end * ldl + j0 * Z;
    gemm(
      Z, n - end, n - end, end - j0, -1, below, ldl, false, below, ldl, true, 1, l + end * ldl + end * Z, ldl, LOWER, scratch,
    );
  }
  for (let i = 0; i < n; i++) memory.fill(l + i * ldl + <usize>(i + 1) * Z, 0, <usize>(n - i - 1) * Z);
  return 0;
}
