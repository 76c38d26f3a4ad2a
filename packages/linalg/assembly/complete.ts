// Orthonormalisation column by column, for inputs with dependent columns: in float64 whatever the type, so that rounding stays far below
// the tolerance and both precisions make the same choices.
import { FULL, gemm, gemmScratch } from './gemm';
import { rowBytes } from './qr';
import { roundUp, scale, sumOfSquares } from './vector';

/** Columns cleaned together against all accepted before them. */
const PANEL: i32 = 32;

export function completeScratch(m: i32, n: i32): usize {
  const kept = min(m, n);
  const products = max(gemmScratch<f64>(PANEL, kept, m), max(gemmScratch<f64>(PANEL, m, kept), gemmScratch<f64>(n, n, m)));
  return <usize>(n + kept) * rowBytes<f64>(m) + <usize>(PANEL * kept + roundUp(m, 2) + n * n) * 8 + <usize>roundUp(n, 4) * 4 + products + 128;
}

/** W [rows,m] ← W − (W·Kᵀ)·K for the accepted rows K [k,m]. */
function clean(rows: i32, k: i32, m: i32, w: usize, accepted: usize, ld: usize, coefficients: usize, scratch: usize): void {
  if (k == 0 || rows == 0) return;
  const ldc = <usize>k << 3;
  gemm<f64>(rows, k, m, 1, w, ld, false, accepted, ld, true, 0, coefficients, ldc, FULL, scratch);
  gemm<f64>(rows, m, k, -1, coefficients, ldc, false, accepted, ld, false, 1, w, ld, FULL, scratch);
}

/** The last subtraction and normalisation of accepted rows before … k−1: together as far as it concerns those before them, then in turn. */
function polish(before: i32, k: i32, m: i32, accepted: usize, ld: usize, coefficients: usize, scratch: usize): void {
  clean(k - before, before, m, accepted + before * ld, accepted, ld, coefficients, scratch);
  for (let p = before; p < k; p++) {
    const target = accepted + p * ld;
    clean(1, p - before, m, target, accepted + before * ld, ld, coefficients, scratch);
    scale<f64>(m, 1 / Math.sqrt(sumOfSquares<f64>(m, target)), target);
  }
}

/**
 * The rule: columns left to right; subtract the accepted ones twice; a remainder ≤ τ·(largest column norm) defers the slot; otherwise
 * normalise, subtract once more, normalise, accept. With `complete` deferred slots are then refilled from unit vectors. X [m,n] is read
 * with the factor `s`. Returns the number of deferred columns.
 */
export function orthonormalizeByColumn<T>(
  m: i32, n: i32, x: usize, ldx: usize, s: f64, q: usize, ldq: usize, r: usize, ldr: usize, complete: bool, tau: f64, scratch: usize,
): i32 {
  const ld = rowBytes<f64>(m);
  const kept = min(m, n);
  const columns = (scratch + 15) & ~15;
  const accepted = columns + <usize>n * ld;
  const coefficients = accepted + <usize>kept * ld;
  const room = coefficients + (<usize>(PANEL * kept) << 3);
  const product = room + (<usize>roundUp(m, 2) << 3);
  // Slot → accepted row, or −1.
  const slots = product + (<usize>(n * n) << 3);
  const free = (slots + (<usize>roundUp(n, 4) << 2) + 15) & ~15;

  let largest: f64 = 0;
  for (let j = 0; j < n; j++) {
    const row = columns + j * ld;
    for (let i = 0; i < m; i++) store<f64>(row + (<usize>i << 3), s * <f64>load<T>(x + i * ldx + j * sizeof<T>()));
    largest = Math.max(largest, sumOfSquares<f64>(m, row));
  }
  const threshold = tau * Math.sqrt(largest);

  let k = 0;
  for (let j0 = 0; j0 < n; j0 += PANEL) {
    const b = min(PANEL, n - j0);
    const before = k;
    const panel = columns + j0 * ld;
    clean(b, before, m, panel, accepted, ld, coefficients, free);
    clean(b, before, m, panel, accepted, ld, coefficients, free);
    for (let j = j0; j < j0 + b; j++) {
      const row = columns + j * ld;
      store<i32>(slots + (<usize>j << 2), -1);
      if (k == m) continue;
      clean(1, k - before, m, row, accepted + before * ld, ld, coefficients, free);
      clean(1, k - before, m, row, accepted + before * ld, ld, coefficients, free);
      const remainder = Math.sqrt(sumOfSquares<f64>(m, row));
      if (remainder <= threshold) continue;
      memory.copy(accepted + k * ld, row, ld);
      scale<f64>(m, 1 / remainder, accepted + k * ld);
      store<i32>(slots + (<usize>j << 2), k++);
    }
    polish(before, k, m, accepted, ld, coefficients, free);
  }
  const deferred = n - k;

  if (complete && deferred > 0) {
    // room_i = 1 − Σ (row i of the accepted columns)²: what is left of e_i.
    for (let i = 0; i < m; i++) store<f64>(room + (<usize>i << 3), 1);
    for (let p = 0; p < k; p++) occupy(m, room, accepted + p * ld);
    let before = k;
    for (let j = 0; j < n && k < m; j++) {
      if (load<i32>(slots + (<usize>j << 2)) >= 0) continue;
      let most: f64 = 0;
      for (let i = 0; i < m; i++) most = Math.max(most, load<f64>(room + (<usize>i << 3)));
      let i = 0;
      while (load<f64>(room + (<usize>i << 3)) < (1 - 1e-4) * most) i++;
      // The first subtraction: the coefficients of e_i are the i-th elements of the accepted columns.
      for (let p = 0; p < k; p++) store<f64>(coefficients + (<usize>p << 3), load<f64>(accepted + p * ld + (<usize>i << 3)));
      const target = accepted + k * ld;
      memory.fill(target, 0, ld);
      store<f64>(target + (<usize>i << 3), 1);
      gemm<f64>(1, m, k, -1, coefficients, <usize>k << 3, false, accepted, ld, false, 1, target, ld, FULL, free);
      scale<f64>(m, 1 / Math.sqrt(sumOfSquares<f64>(m, target)), target);
      occupy(m, room, target);
      store<i32>(slots + (<usize>j << 2), k++);
      // The second one can wait for its panel: what is left of e_i is at least 1/√m long, so that little cancelled.
      if (k - before == PANEL) {
        polish(before, k, m, accepted, ld, coefficients, free);
        before = k;
      }
    }
    polish(before, k, m, accepted, ld, coefficients, free);
  }

  if (r != 0) writeR<T>(m, n, k, x, ldx, s, r, ldr, columns, accepted, ld, slots, product, free);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const p = load<i32>(slots + (<usize>j << 2));
      store<T>(q + i * ldq + j * sizeof<T>(), p < 0 ? <T>0 : <T>load<f64>(accepted + p * ld + (<usize>i << 3)));
    }
  }
  return deferred;
}

/** room ← room − q². */
function occupy(m: i32, room: usize, q: usize): void {
  for (let i = 0; i < m; i++) {
    const at = <usize>i << 3;
    const v = load<f64>(q + at);
    store<f64>(room + at, load<f64>(room + at) - v * v);
  }
}

/** R ← the upper triangle of QᵀX, rows of empty slots 0. */
function writeR<T>(
  m: i32, n: i32, k: i32, x: usize, ldx: usize, s: f64, r: usize, ldr: usize,
  columns: usize, accepted: usize, ld: usize, slots: usize, product: usize, scratch: usize,
): void {
  // The cleaned columns are no longer needed: the originals take their place.
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < m; i++) store<f64>(columns + j * ld + (<usize>i << 3), s * <f64>load<T>(x + i * ldx + j * sizeof<T>()));
  }
  const ldp = <usize>n << 3;
  gemm<f64>(k, n, m, 1, accepted, ld, false, columns, ld, true, 0, product, ldp, FULL, scratch);
  for (let i = 0; i < n; i++) {
    const p = load<i32>(slots + (<usize>i << 2));
    for (let j = 0; j < n; j++) {
      store<T>(r + i * ldr + j * sizeof<T>(), p < 0 || j < i ? <T>0 : <T>(load<f64>(product + p * ldp + (<usize>j << 3)) / s));
    }
  }
}
