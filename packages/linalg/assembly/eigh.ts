// Symmetric eigenproblem: Householder tridiagonalisation, divide and conquer (QL for the smallest parts), blocked back-transformation.
import { Workspace, divide, divideScratch, place } from './divide';
import { axpy, fill, maxAbs, rearrange, rowBytes } from './element';
import { tridiagonalise } from './tridiagonal';
import { powerOfTwoFor } from './vector';
import { BLOCK, applyBlock, formT, wyScratch } from './wy';

export const CONVERGED: i32 = 0;
export const NOT_FINITE: i32 = 1;
export const NOT_CONVERGED: i32 = 2;

/** Four matrices, vectors, and the larger of what the second and the third phase need (plus the block of reflectors). */
export function eighScratch(Z: usize, n: i32): f64 {
  const ld = <f64>rowBytes(Z, n);
  const matrices = 4 * <f64>n * ld;
  const vectors = 16 * <f64>n + 3 * ld;
  const last = <f64>BLOCK * (ld + <f64>(BLOCK * Z)) + wyScratch(Z, n, n);
  return matrices + vectors + <f64>offsetof<Workspace>() + max<f64>(divideScratch(Z, n), last) + 128;
}

/** Z ← Z·H(1)·…·H(n−1), rows of Z the eigenvectors, reflectors in the rows of A. */
function backTransform(Z: usize, n: i32, a: usize, ld: usize, tau: usize, z: usize, scratch: usize): void {
  const u = scratch;
  const t = u + <usize>BLOCK * ld;
  const free = t + <usize>(BLOCK * BLOCK) * Z;
  for (let i0 = 1; i0 < n; i0 += BLOCK) {
    const b = min(BLOCK, n - i0);
    const k = i0 + b - 1;
    // Reflector i has i elements; what follows it in its row of A is not part of it.
    for (let j = 0; j < b; j++) {
      const length = <usize>(i0 + j) * Z;
      memory.copy(u + j * ld, a + <usize>(i0 + j) * ld, length);
      memory.fill(u + j * ld + length, 0, ld - length);
    }
    formT(Z, b, k, u, ld, tau + i0 * Z, t, free);
    applyBlock(Z, n, b, k, u, ld, t, false, z, ld, free);
  }
}

/** Leading dimensions in bytes. */
export function eigh(Z: usize, n: i32, a: usize, lda: usize, values: usize, vectors: usize, ldv: usize, scratch: usize): i32 {
  if (n <= 0) return CONVERGED;
  const ld = rowBytes(Z, n);
  const size = <usize>n * ld;
  const matrix = (scratch + 15) & ~15;
  const z = matrix + size;
  const d = z + 3 * size;
  const e = d + (<usize>n << 3);
  const tau = (e + (<usize>n << 3) + 15) & ~15;
  const pending = tau + ld;
  const header = pending + 2 * ld;
  const rest = (header + offsetof<Workspace>() + 15) & ~15;

  const largest = maxAbs(Z, n, n, a, lda);
  // NaN is the one value that differs from itself.
  if (largest - largest != 0) return fail(Z, n, values, vectors, ldv, NOT_FINITE);
  const s = largest > 0 ? powerOfTwoFor(Z, largest) : 1;
  // ½(A + Aᵀ).
  rearrange(Z, Z, n, n, s / 2, a, lda, Z, 0, matrix, Z, ld);
  for (let i = 0; i < n; i++) axpy(Z, n, s / 2, a + i * lda, matrix + i * ld);
  tridiagonalise(Z, n, matrix, ld, d, e, tau, pending);

  let norm: f64 = 0;
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 3;
    norm = Math.max(norm, Math.abs(load<f64>(d + at)) + Math.abs(load<f64>(e + at)));
  }
  const floor = norm * (Z == 8 ? 2.2e-17 : 1e-11);
  const workspace = changetype<Workspace>(header);
  workspace.d = d;
  workspace.e = e;
  workspace.z = z;
  workspace.gathered = z + size;
  workspace.coefficients = z + 2 * size;
  workspace.ld = ld;
  place(workspace, n, rest);
  memory.fill(z, 0, size);
  if (!divide(Z, workspace, 0, n, floor)) return fail(Z, n, values, vectors, ldv, NOT_CONVERGED);

  // The permutation lies where the back-transformation works; it moves to the start of the pending vectors, which are free now.
  const perm = pending;
  memory.copy(perm, workspace.perm, <usize>n << 2);
  backTransform(Z, n, matrix, ld, tau, z, rest);
  rearrange(8, Z, 1, n, 1 / s, d, 0, 8, perm, values, 0, Z);
  rearrange(Z, Z, n, n, 1, z, Z, ld, perm, vectors, ldv, Z);
  return CONVERGED;
}

function fail(Z: usize, n: i32, values: usize, vectors: usize, ldv: usize, flag: i32): i32 {
  fill(Z, 1, n, values, 0, NaN);
  fill(Z, n, n, vectors, ldv, NaN);
  return flag;
}
