// Blocks of reflectors in compact WY form: H(0)·…·H(b−1) = I − Uᵀ·T·U with the reflectors in the rows of U [b,k] and T upper triangular.
import { get, set } from './element';
import { FULL, LOWER, gemm, gemmScratch, rowsTimes } from './gemm';

/** Reflectors in a block, and the row length of T. */
export const BLOCK: i32 = 32;

/** Scratch bytes of both functions for a target of `rows` rows and reflectors of length `length`. */
export function wyScratch(Z: usize, rows: i32, length: i32): f64 {
  const products = max<f64>(gemmScratch(Z, rows, BLOCK, length), max<f64>(gemmScratch(Z, rows, length, BLOCK), gemmScratch(Z, BLOCK, BLOCK, length)));
  return <f64>BLOCK * <f64>max(2 * rows, BLOCK) * <f64>Z + products + 16;
}

/** T [b,b], rows of BLOCK elements; `tau` holds the b factors. */
export function formT(Z: usize, b: i32, k: i32, u: usize, ldu: usize, tau: usize, t: usize, scratch: usize): void {
  const ld = <usize>BLOCK * Z;
  const inner = (scratch + 15) & ~15;
  gemm(Z, b, b, k, 1, u, ldu, false, u, ldu, true, 0, inner, ld, LOWER, inner + <usize>BLOCK * ld);
  memory.fill(t, 0, <usize>b * ld);
  for (let j = 0; j < b; j++) {
    const tj = get(Z, tau + j * Z);
    // Column j above the diagonal: −τ_j·T[0:j,0:j]·(U[0:j]·u_j).
    rowsTimes(Z, j, j, -tj, t, ld, inner + j * ld, 0, t + j * Z, ld);
    set(Z, t + j * ld + j * Z, tj);
  }
}

/** X [rows,k] ← X·(I − Uᵀ·op(T)·U): the block's product, or with `transposed` its transpose, from the right. */
export function applyBlock(
  Z: usize, rows: i32, b: i32, k: i32, u: usize, ldu: usize, t: usize, transposed: bool, x: usize, ldx: usize, scratch: usize,
): void {
  const ld = <usize>BLOCK * Z;
  const w = (scratch + 15) & ~15;
  const wt = w + <usize>rows * ld;
  const free = wt + <usize>rows * ld;
  gemm(Z, rows, b, k, 1, x, ldx, false, u, ldu, true, 0, w, ld, FULL, free);
  gemm(Z, rows, b, b, 1, w, ld, false, t, ld, transposed, 0, wt, ld, FULL, free);
  gemm(Z, rows, k, b, -1, wt, ld, false, u, ldu, false, 1, x, ldx, FULL, free);
}
