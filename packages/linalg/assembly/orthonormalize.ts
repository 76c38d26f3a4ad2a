// Orthonormalisation: the blocked QR where every column stands clear of the tolerance, the column-by-column rule otherwise.
import { completeScratch, orthonormalizeByColumn } from './complete';
import { factorsAt, qr, qrScratch, rowBytes } from './qr';
import { fill, maxAbs, powerOfTwoFor, sumOfSquares, transpose } from './vector';

/**
 * |R_jj| is a column's remainder. The exact rule decides where it is not clear of the tolerance, or of the rounding of the fast way: a
 * dependent column leaves about ε·√m there. τ = 0 asks for a plain QR, which needs no decision.
 */
// @ts-ignore: decorator
@inline
function clearOf<T>(m: i32, tau: f64): f64 {
  const epsilon: f64 = sizeof<T>() == 8 ? 1.1e-16 : 6e-8;
  return tau > 0 ? 4 * Math.max(tau, epsilon * Math.sqrt(<f64>m)) : 0;
}

export function orthonormalizeScratch<T>(m: i32, n: i32): usize {
  return max(qrScratch<T>(m, n), completeScratch(m, n));
}

/** Leading dimensions in bytes. Returns the number of deferred columns, −1 for input that is not finite. */
export function orthonormalize<T>(
  m: i32, n: i32, x: usize, ldx: usize, q: usize, ldq: usize, r: usize, ldr: usize, complete: bool, tau: f64, scratch: usize,
): i32 {
  if (n <= 0) return 0;
  const largest = maxAbs<T>(m, n, x, ldx);
  if (largest - largest != 0) {
    fill<T>(m, n, q, ldq, <T>NaN);
    if (r != 0) fill<T>(n, n, r, ldr, <T>NaN);
    return -1;
  }
  const s = largest > 0 ? powerOfTwoFor<T>(largest) : 1;
  if (m >= n && largest > 0) {
    const factors = factorsAt(scratch);
    const ld = rowBytes<T>(m);
    transpose<T>(m, n, x, ldx, factors, ld, <T>s);
    let norm: f64 = 0;
    for (let j = 0; j < n; j++) norm = Math.max(norm, sumOfSquares<T>(m, factors + j * ld));
    if (qr<T>(m, n, clearOf<T>(m, tau) * Math.sqrt(norm), q, ldq, r, ldr, <T>(1 / s), scratch)) return 0;
  }
  return orthonormalizeByColumn<T>(m, n, x, ldx, s, q, ldq, r, ldr, complete, tau, scratch);
}
