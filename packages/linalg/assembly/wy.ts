// Blocks of reflectors in compact WY form: H(0)·…·H(b−1) = I − Uᵀ·T·U with the reflectors in the rows of U [b,k] and T upper triangular.
import { FULL, LOWER, gemm, gemmScratch } from './gemm';

/** Reflectors in a block. */
export const BLOCK: i32 = 32;

/** Scratch bytes for a target of `rows` rows and reflectors of length `length`. */
export function wyScratch<T>(rows: i32, length: i32): usize {
  const products = max(gemmScratch<T>(rows, BLOCK, length), max(gemmScratch<T>(rows, length, BLOCK), gemmScratch<T>(BLOCK, BLOCK, length)));
  return <usize>(2 * rows * BLOCK + 2 * BLOCK * BLOCK) * sizeof<T>() + products;
}

/** T [b, BLOCK] of the block; `tau` holds b factors. */
function formT<T>(b: i32, k: i32, u: usize, ldu: usize, tau: usize, t: usize, gramU: usize, scratch: usize): void {
  const Z = sizeof<T>();
  const ld = <usize>BLOCK * Z;
  gemm<T, T>(b, b, k, <T>1, u, ldu, false, u, ldu, true, <T>0, gramU, ld, LOWER, scratch);
  for (let j = 0; j < b; j++) {
    const tj = load<T>(tau + j * Z);
    const inner = gramU + j * ld;
    // Column j above the diagonal: −τ_j·T[0:j,0:j]·(U[0:j]·u_j).
    for (let i = 0; i < j; i++) {
      let s = <T>0;
      for (let p = i; p < j; p++) s += load<T>(t + i * ld + p * Z) * load<T>(inner + p * Z);
      store<T>(t + i * ld + j * Z, -tj * s);
    }
    store<T>(t + j * ld + j * Z, tj);
    for (let i = 0; i < j; i++) store<T>(t + j * ld + i * Z, <T>0);
  }
}

/** X [rows,k] ← X·(I − Uᵀ·op(T)·U): the block's product, or with `transposed` its transpose, from the right. */
export function applyBlock<T>(
  rows: i32, b: i32, k: i32, u: usize, ldu: usize, tau: usize, transposed: bool, x: usize, ldx: usize, scratch: usize,
): void {
  if (rows <= 0 || b <= 0) return;
  const ld = <usize>BLOCK * sizeof<T>();
  const t = (scratch + 15) & ~15;
  const gramU = t + <usize>BLOCK * ld;
  const w = gramU + <usize>BLOCK * ld;
  const wt = w + <usize>rows * ld;
  const free = wt + <usize>rows * ld;
  formT<T>(b, k, u, ldu, tau, t, gramU, free);
  gemm<T, T>(rows, b, k, <T>1, x, ldx, false, u, ldu, true, <T>0, w, ld, FULL, free);
  gemm<T, T>(rows, b, b, <T>1, w, ld, false, t, ld, transposed, <T>0, wt, ld, FULL, free);
  gemm<T, T>(rows, k, b, <T>-1, wt, ld, false, u, ldu, false, <T>1, x, ldx, FULL, free);
}
