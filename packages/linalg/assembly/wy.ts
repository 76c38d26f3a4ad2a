// Blocks of reflectors in compact WY form: H(0)·…·H(b−1) = I − Uᵀ·T·U with the reflectors in the rows of U [b,k] and T upper triangular.
import { FULL, LOWER, gemm, gemmScratch } from './gemm';

/** Reflectors in a block, and the row length of T. */
export const BLOCK: i32 = 32;

/** Scratch bytes of both functions for a target of `rows` rows and reflectors of length `length`. */
export function wyScratch<T>(rows: i32, length: i32): usize {
  const products = max(gemmScratch<T>(rows, BLOCK, length), max(gemmScratch<T>(rows, length, BLOCK), gemmScratch<T>(BLOCK, BLOCK, length)));
  return <usize>(BLOCK * max(2 * rows, BLOCK)) * sizeof<T>() + products + 16;
}

/** T [b,b], rows of BLOCK elements; `tau` holds the b factors. */
export function formT<T>(b: i32, k: i32, u: usize, ldu: usize, tau: usize, t: usize, scratch: usize): void {
  const Z = sizeof<T>();
  const ld = <usize>BLOCK * Z;
  const inner = (scratch + 15) & ~15;
  gemm<T>(b, b, k, <T>1, u, ldu, false, u, ldu, true, <T>0, inner, ld, LOWER, inner + <usize>BLOCK * ld);
  for (let j = 0; j < b; j++) {
    const tj = load<T>(tau + j * Z);
    const products = inner + j * ld;
    // Column j above the diagonal: −τ_j·T[0:j,0:j]·(U[0:j]·u_j).
    for (let i = 0; i < j; i++) {
      let s = <T>0;
      for (let p = i; p < j; p++) s += load<T>(t + i * ld + p * Z) * load<T>(products + p * Z);
      store<T>(t + i * ld + j * Z, -tj * s);
    }
    store<T>(t + j * ld + j * Z, tj);
    for (let i = 0; i < j; i++) store<T>(t + j * ld + i * Z, <T>0);
  }
}

/** X [rows,k] ← X·(I − Uᵀ·op(T)·U): the block's product, or with `transposed` its transpose, from the right. */
export function applyBlock<T>(rows: i32, b: i32, k: i32, u: usize, ldu: usize, t: usize, transposed: bool, x: usize, ldx: usize, scratch: usize): void {
  if (rows <= 0) return;
  const ld = <usize>BLOCK * sizeof<T>();
  const w = (scratch + 15) & ~15;
  const wt = w + <usize>rows * ld;
  const free = wt + <usize>rows * ld;
  gemm<T>(rows, b, k, <T>1, x, ldx, false, u, ldu, true, <T>0, w, ld, FULL, free);
  gemm<T>(rows, b, b, <T>1, w, ld, false, t, ld, transposed, <T>0, wt, ld, FULL, free);
  gemm<T>(rows, k, b, <T>-1, wt, ld, false, u, ldu, false, <T>1, x, ldx, FULL, free);
}
