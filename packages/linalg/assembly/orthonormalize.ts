// Orthonormalisation: QR in the type of the input where every column stands clear of the tolerance; in float64 otherwise, so that rounding
// stays far below the tolerance and both precisions make the same choices.
import { multiplyR, refill, refillScratch } from './complete';
import { fill, maxAbs, rearrange, rowBytes, sumOfSquares } from './element';
import { Pieces, placePieces, qr, qrScratch, writeR } from './qr';
import { powerOfTwoFor } from './vector';

export function orthonormalizeScratch(Z: usize, m: i32, n: i32): f64 {
  const wide = qrScratch(8, m, n) + refillScratch(m, n);
  return <f64>rowBytes(4, n) + 16 + max<f64>(qrScratch(Z, m, n), wide);
}

/**
 * QR of X, read with the factor `s`, in elements of size W: what `qr` returns, or −1 where that type cannot tell which columns depend on
 * those before them.
 */
function factor(W: usize, Z: usize, m: i32, n: i32, x: usize, ldx: usize, s: f64, tau: f64, slots: usize, pieces: Pieces): i32 {
  const ld = rowBytes(W, m);
  rearrange(Z, W, m, n, s, x, ldx, Z, 0, pieces.x, W, ld);
  let norm: f64 = 0;
  for (let j = 0; j < n; j++) norm = Math.max(norm, sumOfSquares(W, m, pieces.x + j * ld));
  // Rounding leaves about ε·√m of a dependent column, and no tolerance can be less; τ = 0 asks for a plain QR, which needs no decision.
  if (tau > 0) {
    tau = Math.max(tau, (W == 8 ? 1.1e-16 : 6e-8) * Math.sqrt(<f64>m));
    if (W == 4) tau *= 4;
  }
  return qr(W, m, n, tau * Math.sqrt(norm), W == 8, slots, pieces);
}

/** Leading dimensions in bytes. Returns the number of deferred columns, −1 for input that is not finite. */
export function orthonormalize(
  Z: usize, m: i32, n: i32, x: usize, ldx: usize, q: usize, ldq: usize, r: usize, ldr: usize, complete: bool, tau: f64, scratch: usize,
): i32 {
  if (n <= 0) return 0;
  const largest = maxAbs(Z, m, n, x, ldx);
  // NaN is the one value that differs from itself.
  if (largest - largest != 0) {
    fill(Z, m, n, q, ldq, NaN);
    if (r != 0) fill(Z, n, n, r, ldr, NaN);
    return -1;
  }
  const s = largest > 0 ? powerOfTwoFor(Z, largest) : 1;
  const slots = (scratch + 15) & ~15;
  const rest = slots + rowBytes(4, n);

  let W = Z;
  let pieces = placePieces(W, m, n, rest);
  let k = factor(W, Z, m, n, x, ldx, s, tau, slots, pieces);
  if (k < 0) {
    W = 8;
    pieces = placePieces(W, m, n, rest);
    k = factor(W, Z, m, n, x, ldx, s, tau, slots, pieces);
  }
  const deferred = n - k;
  if (complete && deferred > 0) {
    refill(m, n, k, slots, pieces.q, pieces.free);
    k = min(m, n);
  }
  if (r != 0) {
    if (deferred == 0) writeR(W, Z, m, n, 1 / s, r, ldr, pieces);
    else multiplyR(Z, m, n, k, s, x, ldx, r, ldr, slots, pieces);
  }
  rearrange(W, Z, m, n, 1, pieces.q, W, rowBytes(W, m), slots, q, ldq, Z);
  return deferred;
}
