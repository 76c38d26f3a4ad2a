// The exports of the module: leading dimensions and strides arrive in elements and go on in bytes.
import { cholesky, choleskyScratch, solveScratch, solveTriangular } from './cholesky';
import { eigh, eighScratch } from './eigh';
import { FULL, MIRRORED, gemm, gemmBatched, gemmScratch } from './gemm';
import { gramOf, gramScratchBytesOf } from './gram';
import { orthonormalize, orthonormalizeScratch } from './orthonormalize';

export { argsort } from './argsort';
export { exp, expm1, log, pow } from './exponential';
export { random } from './random';
export { cos, sin } from './wave';

export function sgemmScratchBytes(m: i32, n: i32, k: i32): usize {
  return gemmScratch(4, m, n, k);
}

export function dgemmScratchBytes(m: i32, n: i32, k: i32): usize {
  return gemmScratch(8, m, n, k);
}

export function sgemm(
  m: i32, n: i32, k: i32, alpha: f32, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f32, c: usize, ldc: usize, scratch: usize,
): void {
  gemm(4, m, n, k, alpha, a, lda << 2, transposeA != 0, b, ldb << 2, transposeB != 0, beta, c, ldc << 2, FULL, scratch);
}

export function dgemm(
  m: i32, n: i32, k: i32, alpha: f64, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f64, c: usize, ldc: usize, scratch: usize,
): void {
  gemm(8, m, n, k, alpha, a, lda << 3, transposeA != 0, b, ldb << 3, transposeB != 0, beta, c, ldc << 3, FULL, scratch);
}

export function sgemmSymmetric(
  n: i32, k: i32, alpha: f32, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f32, c: usize, ldc: usize, scratch: usize,
): void {
  gemm(4, n, n, k, alpha, a, lda << 2, transposeA != 0, b, ldb << 2, transposeB != 0, beta, c, ldc << 2, MIRRORED, scratch);
}

export function dgemmSymmetric(
  n: i32, k: i32, alpha: f64, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f64, c: usize, ldc: usize, scratch: usize,
): void {
  gemm(8, n, n, k, alpha, a, lda << 3, transposeA != 0, b, ldb << 3, transposeB != 0, beta, c, ldc << 3, MIRRORED, scratch);
}

export function sgemmBatched(
  batch: i32, m: i32, n: i32, k: i32, alpha: f32, a: usize, lda: usize, strideA: usize, transposeA: i32,
  b: usize, ldb: usize, strideB: usize, transposeB: i32, beta: f32, c: usize, ldc: usize, strideC: usize, symmetric: i32, scratch: usize,
): void {
  gemmBatched(
    4, batch, m, n, k, alpha, a, lda << 2, strideA << 2, transposeA != 0, b, ldb << 2, strideB << 2, transposeB != 0,
    beta, c, ldc << 2, strideC << 2, symmetric != 0 ? MIRRORED : FULL, scratch,
  );
}

export function dgemmBatched(
  batch: i32, m: i32, n: i32, k: i32, alpha: f64, a: usize, lda: usize, strideA: usize, transposeA: i32,
  b: usize, ldb: usize, strideB: usize, transposeB: i32, beta: f64, c: usize, ldc: usize, strideC: usize, symmetric: i32, scratch: usize,
): void {
  gemmBatched(
    8, batch, m, n, k, alpha, a, lda << 3, strideA << 3, transposeA != 0, b, ldb << 3, strideB << 3, transposeB != 0,
    beta, c, ldc << 3, strideC << 3, symmetric != 0 ? MIRRORED : FULL, scratch,
  );
}

export function seighScratchBytes(n: i32): usize {
  return eighScratch(4, n);
}

export function deighScratchBytes(n: i32): usize {
  return eighScratch(8, n);
}

export function seigh(n: i32, a: usize, lda: usize, values: usize, vectors: usize, ldv: usize, scratch: usize): i32 {
  return eigh(4, n, a, lda << 2, values, vectors, ldv << 2, scratch);
}

export function deigh(n: i32, a: usize, lda: usize, values: usize, vectors: usize, ldv: usize, scratch: usize): i32 {
  return eigh(8, n, a, lda << 3, values, vectors, ldv << 3, scratch);
}

export function sorthonormalizeScratchBytes(m: i32, n: i32): usize {
  return orthonormalizeScratch(4, m, n);
}

export function dorthonormalizeScratchBytes(m: i32, n: i32): usize {
  return orthonormalizeScratch(8, m, n);
}

export function sorthonormalize(
  m: i32, n: i32, x: usize, ldx: usize, q: usize, ldq: usize, r: usize, ldr: usize, complete: i32, tau: f64, scratch: usize,
): i32 {
  return orthonormalize(4, m, n, x, ldx << 2, q, ldq << 2, r, ldr << 2, complete != 0, tau, scratch);
}

export function dorthonormalize(
  m: i32, n: i32, x: usize, ldx: usize, q: usize, ldq: usize, r: usize, ldr: usize, complete: i32, tau: f64, scratch: usize,
): i32 {
  return orthonormalize(8, m, n, x, ldx << 3, q, ldq << 3, r, ldr << 3, complete != 0, tau, scratch);
}

export function scholeskyScratchBytes(n: i32): usize {
  return choleskyScratch(4, n);
}

export function dcholeskyScratchBytes(n: i32): usize {
  return choleskyScratch(8, n);
}

export function scholesky(n: i32, a: usize, lda: usize, l: usize, ldl: usize, scratch: usize): i32 {
  return cholesky(4, n, a, lda << 2, l, ldl << 2, scratch);
}

export function dcholesky(n: i32, a: usize, lda: usize, l: usize, ldl: usize, scratch: usize): i32 {
  return cholesky(8, n, a, lda << 3, l, ldl << 3, scratch);
}

export function ssolveTriangularScratchBytes(n: i32, r: i32): usize {
  return solveScratch(4, n, r);
}

export function dsolveTriangularScratchBytes(n: i32, r: i32): usize {
  return solveScratch(8, n, r);
}

export function ssolveTriangular(
  n: i32, r: i32, l: usize, ldl: usize, transpose: i32, b: usize, ldb: usize, x: usize, ldx: usize, scratch: usize,
): void {
  solveTriangular(4, n, r, l, ldl << 2, transpose != 0, b, ldb << 2, x, ldx << 2, scratch);
}

export function dsolveTriangular(
  n: i32, r: i32, l: usize, ldl: usize, transpose: i32, b: usize, ldb: usize, x: usize, ldx: usize, scratch: usize,
): void {
  solveTriangular(8, n, r, l, ldl << 3, transpose != 0, b, ldb << 3, x, ldx << 3, scratch);
}

export function gramScratchBytes(d: i32, k: i32): usize {
  return gramScratchBytesOf(d, k);
}

export function gram(d: i32, k: i32, x: usize, ldx: usize, c: usize, ldc: usize, scratch: usize): void {
  gramOf(d, k, x, ldx << 2, c, ldc << 3, scratch);
}
