// Symmetric eigenproblem: Householder tridiagonalisation, divide and conquer (QL for the smallest parts), blocked back-transformation.
import { Workspace, divide, divideScratch, place } from './divide';
import { tridiagonalise } from './tridiagonal';
import { fill, maxAbs, powerOfTwoFor, roundUp } from './vector';
import { BLOCK, applyBlock, formT, wyScratch } from './wy';

export const CONVERGED: i32 = 0;
export const NOT_FINITE: i32 = 1;
export const NOT_CONVERGED: i32 = 2;

// @ts-ignore: decorator
@inline
function rowBytes<T>(n: i32): usize {
  return <usize>roundUp(n, 4) * sizeof<T>();
}

/** Four matrices, vectors, and the larger of what the second and the third phase need (plus the block of reflectors). */
export function eighScratch<T>(n: i32): usize {
  const ld = rowBytes<T>(n);
  const matrices = 4 * <usize>n * ld;
  const vectors = (<usize>n << 4) + 3 * ld;
  const last = <usize>BLOCK * (ld + BLOCK * sizeof<T>()) + wyScratch<T>(n, n);
  return matrices + vectors + offsetof<Workspace>() + max(divideScratch<T>(n), last) + 128;
}

/** Z ← Z·H(1)·…·H(n−1), rows of Z the eigenvectors, reflectors in the rows of A. */
function backTransform<T>(n: i32, a: usize, ld: usize, tau: usize, z: usize, scratch: usize): void {
  const u = scratch;
  const t = u + <usize>BLOCK * ld;
  const free = t + <usize>(BLOCK * BLOCK) * sizeof<T>();
  for (let i0 = 1; i0 < n; i0 += BLOCK) {
    const b = min(BLOCK, n - i0);
    const k = i0 + b - 1;
    // Reflector i has i elements; what follows it in its row of A is not part of it.
    for (let j = 0; j < b; j++) {
      const length = <usize>(i0 + j) * sizeof<T>();
      memory.copy(u + j * ld, a + <usize>(i0 + j) * ld, length);
      memory.fill(u + j * ld + length, 0, ld - length);
    }
    formT<T>(b, k, u, ld, tau + i0 * sizeof<T>(), t, free);
    applyBlock<T>(n, b, k, u, ld, t, false, z, ld, free);
  }
}

/** Leading dimensions in bytes. */
export function eigh<T>(n: i32, a: usize, lda: usize, values: usize, vectors: usize, ldv: usize, scratch: usize): i32 {
  if (n <= 0) return CONVERGED;
  const Z = sizeof<T>();
  const ld = rowBytes<T>(n);
  const size = <usize>n * ld;
  const matrix = (scratch + 15) & ~15;
  const z = matrix + size;
  const d = z + 3 * size;
  const e = d + (<usize>n << 3);
  const tau = (e + (<usize>n << 3) + 15) & ~15;
  const pending = tau + ld;
  const header = pending + 2 * ld;
  const rest = (header + offsetof<Workspace>() + 15) & ~15;

  const largest = maxAbs<T>(n, n, a, lda);
  // NaN is the one value that differs from itself.
  if (largest - largest != 0) return fail<T>(n, values, vectors, ldv, NOT_FINITE);
  const s = largest > 0 ? powerOfTwoFor<T>(largest) : 1;
  const half = <T>(s * 0.5);
  // The lower triangle and, of the upper one, the diagonal blocks; 8 rows at a time for the sake of the transposed reads.
  for (let i0 = 0; i0 < n; i0 += 8) {
    const i1 = min(i0 + 8, n);
    for (let j = 0; j < i1; j++) {
      for (let i = i0; i < i1; i++) {
        store<T>(matrix + i * ld + j * Z, half * load<T>(a + i * lda + j * Z) + half * load<T>(a + j * lda + i * Z));
      }
    }
  }
  tridiagonalise<T>(n, matrix, ld, d, e, tau, pending);

  let norm: f64 = 0;
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 3;
    norm = Math.max(norm, Math.abs(load<f64>(d + at)) + Math.abs(load<f64>(e + at)));
  }
  const floor = norm * (sizeof<T>() == 8 ? 2.2e-17 : 1e-11);
  const workspace = changetype<Workspace>(header);
  workspace.d = d;
  workspace.e = e;
  workspace.z = z;
  workspace.gathered = z + size;
  workspace.coefficients = z + 2 * size;
  workspace.ld = ld;
  place(workspace, n, rest);
  memory.fill(z, 0, size);
  if (!divide<T>(workspace, 0, n, floor)) return fail<T>(n, values, vectors, ldv, NOT_CONVERGED);

  // The permutation lies where the back-transformation works; it moves to the start of the pending vectors, which are free now.
  const perm = pending;
  memory.copy(perm, workspace.perm, <usize>n << 2);
  backTransform<T>(n, matrix, ld, tau, z, rest);
  for (let r = 0; r < n; r++) {
    const row = load<i32>(perm + (<usize>r << 2));
    store<T>(values + r * Z, <T>(load<f64>(d + (<usize>row << 3)) / s));
  }
  for (let i0 = 0; i0 < n; i0 += 8) {
    const i1 = min(i0 + 8, n);
    for (let r = 0; r < n; r++) {
      const row = z + <usize>load<i32>(perm + (<usize>r << 2)) * ld;
      for (let i = i0; i < i1; i++) store<T>(vectors + i * ldv + r * Z, load<T>(row + i * Z));
    }
  }
  return CONVERGED;
}

function fail<T>(n: i32, values: usize, vectors: usize, ldv: usize, flag: i32): i32 {
  fill<T>(1, n, values, 0, <T>NaN);
  fill<T>(n, n, vectors, ldv, <T>NaN);
  return flag;
}
