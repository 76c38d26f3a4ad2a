// The exports of the module: leading dimensions and strides arrive in elements and go on in bytes.
import { eigh, eighScratch } from './eigh';
import { FULL, MIRRORED, gemm, gemmScratch } from './gemm';

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
  gemm<f32, f32>(m, n, k, alpha, a, lda << 2, transposeA != 0, b, ldb << 2, transposeB != 0, beta, c, ldc << 2, FULL, scratch);
}

export function dgemm(
  m: i32, n: i32, k: i32, alpha: f64, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f64, c: usize, ldc: usize, scratch: usize,
): void {
  gemm<f64, f64>(m, n, k, alpha, a, lda << 3, transposeA != 0, b, ldb << 3, transposeB != 0, beta, c, ldc << 3, FULL, scratch);
}

export function sgemmSymmetric(
  n: i32, k: i32, alpha: f32, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f32, c: usize, ldc: usize, scratch: usize,
): void {
  gemm<f32, f32>(n, n, k, alpha, a, lda << 2, transposeA != 0, b, ldb << 2, transposeB != 0, beta, c, ldc << 2, MIRRORED, scratch);
}

export function dgemmSymmetric(
  n: i32, k: i32, alpha: f64, a: usize, lda: usize, transposeA: i32, b: usize, ldb: usize, transposeB: i32,
  beta: f64, c: usize, ldc: usize, scratch: usize,
): void {
  gemm<f64, f64>(n, n, k, alpha, a, lda << 3, transposeA != 0, b, ldb << 3, transposeB != 0, beta, c, ldc << 3, MIRRORED, scratch);
}

export function sgemmBatched(
  batch: i32, m: i32, n: i32, k: i32, alpha: f32, a: usize, lda: usize, strideA: usize, transposeA: i32,
  b: usize, ldb: usize, strideB: usize, transposeB: i32, beta: f32, c: usize, ldc: usize, strideC: usize, symmetric: i32, scratch: usize,
): void {
  const result = symmetric != 0 ? MIRRORED : FULL;
  for (let i = 0; i < batch; i++) {
    gemm<f32, f32>(m, n, k, alpha, a, lda << 2, transposeA != 0, b, ldb << 2, transposeB != 0, beta, c, ldc << 2, result, scratch);
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
    gemm<f64, f64>(m, n, k, alpha, a, lda << 3, transposeA != 0, b, ldb << 3, transposeB != 0, beta, c, ldc << 3, result, scratch);
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
