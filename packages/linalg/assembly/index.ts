// The exports of the module: leading dimensions and strides arrive in elements and go on in bytes.
import { cholesky, choleskyScratch, solveScratch, solveTriangular } from './cholesky';
import { eigh, eighScratch } from './eigh';
import { FULL, MIRRORED, gemm, gemmScratch } from './gemm';
import { gramOf, gramScratchBytesOf } from './gram';
import { orthonormalize, orthonormalizeScratch } from './orthonormalize';

export { argsort } from './argsort';
export { exp, expm1, log, pow } from './exponential';
export { random } from './random';
export { cos, sin } from './wave';

export function sgemmScratchBytes(m: i32, n: i32, k: i32): usize {
  return gemmScratch<f32>(m, n, k);
}

export function dgemmScratchBytes(m: i32, n: i32, k: i32): usize {
  return gemmScratch<f64>(m, n, k);
}

export function sgemm(
  m: i32, n: i32, k: i32, alpha: f32, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f32, c: usize, ldc: usize, scratch: usize,
): void {
  gemm<f32>(m, n, k, alpha, a, lda << 2, transposeA != 0, b, ldb << 2, transposeB != 0, beta, c, ldc << 2, FULL, scratch);
}

export function dgemm(
  m: i32, n: i32, k: i32, alpha: f64, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f64, c: usize, ldc: usize, scratch: usize,
): void {
  gemm<f64>(m, n, k, alpha, a, lda << 3, transposeA != 0, b, ldb << 3, transposeB != 0, beta, c, ldc << 3, FULL, scratch);
}

export function sgemmSymmetric(
  n: i32, k: i32, alpha: f32, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f32, c: usize, ldc: usize, scratch: usize,
): void {
  gemm<f32>(n, n, k, alpha, a, lda << 2, transposeA != 0, b, ldb << 2, transposeB != 0, beta, c, ldc << 2, MIRRORED, scratch);
}

export function dgemmSymmetric(
  n: i32, k: i32, alpha: f64, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f64, c: usize, ldc: usize, scratch: usize,
): void {
  gemm<f64>(n, n, k, alpha, a, lda << 3, transposeA != 0, b, ldb << 3, transposeB != 0, beta, c, ldc << 3, MIRRORED, scratch);
}

export function sgemmBatched(
  batch: i32, m: i32, n: i32, k: i32, alpha: f32, a: usize, lda: usize, strideA: usize, transposeA: i32,
  b: usize, ldb: usize, strideB: usize, transposeB: i32, beta: f32, c: usize, ldc: usize, strideC: usize, symmetric: i32, scratch: usize,
): void {
  const result = symmetric != 0 ? MIRRORED : FULL;
  for (let i = 0; i < batch; i++) {
    gemm<f32>(m, n, k, alpha, a, lda << 2, transposeA != 0, b, ldb << 2, transposeB != 0, beta, c, ldc << 2, result, scratch);
    a += strideA << 2;
    b += strideB << 2;
    c += strideC << 2;
  }
}

export function dgemmBatched(
  batch: i32, m: i32, n: i32, k: i32, alpha: f64, a: usize, lda: usize, strideA: usize, transposeA: i32,
  b: usize, ldb: usize, strideB: usize, transposeB: i32, beta: f64, c: usize, ldc: usize, strideC: usize, symmetric: i32, scratch: usize,
): void {
  const result = symmetric != 0 ? MIRRORED : FULL;
  for (let i = 0; i < batch; i++) {
    gemm<f64>(m, n, k, alpha, a, lda << 3, transposeA != 0, b, ldb << 3, transposeB != 0, beta, c, ldc << 3, result, scratch);
    a += strideA << 3;
    b += strideB << 3;
    c += strideC << 3;
  }
}

export function seighScratchBytes(n: i32): usize {
  return eighScratch<f32>(n);
}

export function deighScratchBytes(n: i32): usize {
  return eighScratch<f64>(n);
}

export function seigh(n: i32, a: usize, lda: usize, values: usize, vectors: usize, ldv: usize, scratch: usize): i32 {
  return eigh<f32>(n, a, lda << 2, values, vectors, ldv << 2, scratch);
}

export function deigh(n: i32, a: usize, lda: usize, values: usize, vectors: usize, ldv: usize, scratch: usize): i32 {
  return eigh<f64>(n, a, lda << 3, values, vectors, ldv << 3, scratch);
}

export function sorthonormalizeScratchBytes(m: i32, n: i32): usize {
  return orthonormalizeScratch<f32>(m, n);
}

export function dorthonormalizeScratchBytes(m: i32, n: i32): usize {
  return orthonormalizeScratch<f64>(m, n);
}

export function sorthonormalize(
  m: i32, n: i32, x: usize, ldx: usize, q: usize, ldq: usize, r: usize, ldr: usize, complete: i32, tau: f64, scratch: usize,
): i32 {
  return orthonormalize<f32>(m, n, x, ldx << 2, q, ldq << 2, r, ldr << 2, complete != 0, tau, scratch);
}

export function dorthonormalize(
  m: i32, n: i32, x: usize, ldx: usize, q: usize, ldq: usize, r: usize, ldr: usize, complete: i32, tau: f64, scratch: usize,
): i32 {
  return orthonormalize<f64>(m, n, x, ldx << 3, q, ldq << 3, r, ldr << 3, complete != 0, tau, scratch);
}

export function scholeskyScratchBytes(n: i32): usize {
  return choleskyScratch<f32>(n);
}

export function dcholeskyScratchBytes(n: i32): usize {
  return choleskyScratch<f64>(n);
}

export function scholesky(n: i32, a: usize, lda: usize, l: usize, ldl: usize, scratch: usize): i32 {
  return cholesky<f32>(n, a, lda << 2, l, ldl << 2, scratch);
}

export function dcholesky(n: i32, a: usize, lda: usize, l: usize, ldl: usize, scratch: usize): i32 {
  return cholesky<f64>(n, a, lda << 3, l, ldl << 3, scratch);
}

export function ssolveTriangularScratchBytes(n: i32, r: i32): usize {
  return solveScratch<f32>(n, r);
}

export function dsolveTriangularScratchBytes(n: i32, r: i32): usize {
  return solveScratch<f64>(n, r);
}

export function ssolveTriangular(
  n: i32, r: i32, l: usize, ldl: usize, transpose: i32, b: usize, ldb: usize, x: usize, ldx: usize, scratch: usize,
): void {
  solveTriangular<f32>(n, r, l, ldl << 2, transpose != 0, b, ldb << 2, x, ldx << 2, scratch);
}

export function dsolveTriangular(
  n: i32, r: i32, l: usize, ldl: usize, transpose: i32, b: usize, ldb: usize, x: usize, ldx: usize, scratch: usize,
): void {
  solveTriangular<f64>(n, r, l, ldl << 3, transpose != 0, b, ldb << 3, x, ldx << 3, scratch);
}

export function gramScratchBytes(d: i32, k: i32): usize {
  return gramScratchBytesOf(d, k);
}

export function gram(d: i32, k: i32, x: usize, ldx: usize, c: usize, ldc: usize, scratch: usize): void {
  gramOf(d, k, x, ldx << 2, c, ldc << 3, scratch);
}
