// The register tile: C [4, two vectors] ← α·A·B + β·C in 8 accumulators.
import { fma, zero } from './vector';

/** Rows of a register tile. */
export const MR: i32 = 4;

// @ts-ignore: decorator
@inline
function finish<T>(c: usize, alpha: v128, beta: T, s0: v128, s1: v128): void {
  let v0 = v128.mul<T>(alpha, s0);
  let v1 = v128.mul<T>(alpha, s1);
  if (beta != 0) {
    const b = v128.splat<T>(beta);
    v0 = fma<T>(b, v128.load(c), v0);
    v1 = fma<T>(b, v128.load(c, 16), v1);
  }
  v128.store(c, v0);
  v128.store(c, v1, 16);
}

/** Both panels packed: A k-major by 4, B k-major by two vectors. Fewer parameters than `tile` has, which tells where k is small. */
export function tilePacked<T>(k: i32, a: usize, b: usize, alpha: T, beta: T, c: usize, ldc: usize): void {
  let s00 = zero<T>(), s01 = zero<T>(), s10 = zero<T>(), s11 = zero<T>();
  let s20 = zero<T>(), s21 = zero<T>(), s30 = zero<T>(), s31 = zero<T>();
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<T>(a);
    s00 = fma<T>(x, b0, s00);
    s01 = fma<T>(x, b1, s01);
    x = v128.load_splat<T>(a, sizeof<T>());
    s10 = fma<T>(x, b0, s10);
    s11 = fma<T>(x, b1, s11);
    x = v128.load_splat<T>(a, 2 * sizeof<T>());
    s20 = fma<T>(x, b0, s20);
    s21 = fma<T>(x, b1, s21);
    x = v128.load_splat<T>(a, 3 * sizeof<T>());
    s30 = fma<T>(x, b0, s30);
    s31 = fma<T>(x, b1, s31);
    a += 4 * sizeof<T>();
    b += 32;
  }
  const va = v128.splat<T>(alpha);
  finish<T>(c, va, beta, s00, s01);
  c += ldc;
  finish<T>(c, va, beta, s10, s11);
  c += ldc;
  finish<T>(c, va, beta, s20, s21);
  c += ldc;
  finish<T>(c, va, beta, s30, s31);
}

/** Row r of A at a_r, successive p at `stepA` bytes; B rows at `stepB` bytes. */
export function tile<T>(
  k: i32, a0: usize, a1: usize, a2: usize, a3: usize, stepA: usize, b: usize, stepB: usize, alpha: T, beta: T, c: usize, ldc: usize,
): void {
  let s00 = zero<T>(), s01 = zero<T>(), s10 = zero<T>(), s11 = zero<T>();
  let s20 = zero<T>(), s21 = zero<T>(), s30 = zero<T>(), s31 = zero<T>();
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<T>(a0);
    s00 = fma<T>(x, b0, s00);
    s01 = fma<T>(x, b1, s01);
    x = v128.load_splat<T>(a1);
    s10 = fma<T>(x, b0, s10);
    s11 = fma<T>(x, b1, s11);
    x = v128.load_splat<T>(a2);
    s20 = fma<T>(x, b0, s20);
    s21 = fma<T>(x, b1, s21);
    x = v128.load_splat<T>(a3);
    s30 = fma<T>(x, b0, s30);
    s31 = fma<T>(x, b1, s31);
    a0 += stepA;
    a1 += stepA;
    a2 += stepA;
    a3 += stepA;
    b += stepB;
  }
  const va = v128.splat<T>(alpha);
  finish<T>(c, va, beta, s00, s01);
  c += ldc;
  finish<T>(c, va, beta, s10, s11);
  c += ldc;
  finish<T>(c, va, beta, s20, s21);
  c += ldc;
  finish<T>(c, va, beta, s30, s31);
}
