// The completion rule: columns set aside are replaced by what the basis leaves of unit vectors. All in float64.
import { rearrange, rowBytes, scale } from './element';
import { FULL, LOWER, gemm, gemmScratch } from './gemm';
import { Pieces } from './qr';

/** Columns chosen before the projection is brought up to date. */
const PANEL: i32 = 32;

/** The room of a coordinate that has been chosen. */
const TAKEN: f64 = -1;

/** Whether the projection, [m,m], is formed: not off a few long columns. */
// @ts-ignore: decorator
@inline
function formed(m: i32, n: i32): bool {
  return m <= 2 * n;
}

/** Bytes of both functions. */
export function refillScratch(m: i32, n: i32): f64 {
  const most = max(m, n);
  const projection: f64 = formed(m, n) ? <f64>(PANEL + m) * <f64>rowBytes(8, m) : 0;
  return 3 * <f64>rowBytes(8, m) + max<f64>(projection, <f64>n * <f64>rowBytes(8, n)) + gemmScratch(8, most, most, most) + 64;
}

/**
 * For each free slot in ascending order: r_i = 1 − Σ (row i of the accepted columns)²; i = the first with r_i ≥ (1 − 10⁻⁴)·max r; what the
 * accepted columns leave of e_i, normalised, is accepted. `accepted`: k rows of length m, with room for more; `slots`: the row for each
 * column of n, −1 for none.
 *
 * r is the diagonal of P = I − QQᵀ, and what is left of e_i its column i: the rule is Cholesky's factorisation of P with pivots of its
 * own choice, and as stable, so that nothing need be subtracted twice. Row and column i of P are 0 from then on and drop out.
 */
export function refill(m: i32, n: i32, k: i32, slots: usize, accepted: usize, scratch: usize): void {
  const ld = rowBytes(8, m);
  const whole = formed(m, n);
  const room = (scratch + 15) & ~15;
  const coefficients = room + ld;
  // Coordinates that have not dropped out.
  const index = coefficients + ld;
  const panel = index + ld;
  const projection = panel + PANEL * ld;
  const free = projection + <usize>m * ld;
  for (let i = 0; i < m; i++) {
    store<f64>(room + (<usize>i << 3), 1);
    store<i32>(index + (<usize>i << 2), i);
  }
  for (let p = 0; p < k; p++) occupy(m, room, accepted + p * ld);
  if (whole) {
    memory.fill(projection, 0, <usize>m * ld);
    for (let i = 0; i < m; i++) store<f64>(projection + <usize>i * (ld + 8), 1);
    gemm(8, m, m, k, -1, accepted, ld, true, accepted, ld, false, 1, projection, ld, LOWER, free);
  }

  let active = m;
  let before = k;
  for (let j = 0; j < n && k < m; j++) {
    if (load<i32>(slots + (<usize>j << 2)) >= 0) continue;
    let most: f64 = 0;
    for (let t = 0; t < active; t++) most = Math.max(most, load<f64>(room + (<usize>t << 3)));
    let i = 0;
    while (load<f64>(room + (<usize>i << 3)) < (1 - 1e-4) * most) i++;
    const at = <usize>i << 3;
    // From the formed projection only what the panel holds is missing.
    const rows = whole ? panel : accepted;
    const ahead = whole ? k - before : k;
    const target = rows + ahead * ld;
    if (whole) {
      memory.copy(target, projection + i * ld, at);
      rearrange(8, 8, active - i, 1, 1, projection + i * ld + at, ld, 0, 0, target + at, 8, 0);
    } else {
      memory.fill(target, 0, ld);
      store<f64>(target + at, 1);
    }
    rearrange(8, 8, ahead, 1, 1, rows + at, ld, 0, 0, coefficients, 8, 0);
    gemm(8, 1, active, ahead, -1, coefficients, ld, false, rows, ld, false, 1, target, ld, FULL, free);
    scale(8, active, 1 / Math.sqrt(load<f64>(target + at)), target);
    occupy(active, room, target);
    store<f64>(room + at, TAKEN);
    store<i32>(slots + (<usize>j << 2), k++);
    if (whole && k - before == PANEL) {
      spread(PANEL, active, m, index, panel, accepted + before * ld);
      active = settle(active, m, room, index, coefficients, panel, free);
      before = k;
    }
  }
  if (whole) spread(k - before, active, m, index, panel, accepted + before * ld);
}

/** room ← room − q². */
function occupy(n: i32, room: usize, q: usize): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 3;
    const v = load<f64>(q + at);
    store<f64>(room + at, load<f64>(room + at) - v * v);
  }
}

/** Rows of the active coordinates ← as rows of all m. */
function spread(rows: i32, active: i32, m: i32, index: usize, from: usize, to: usize): void {
  const ld = rowBytes(8, m);
  memory.fill(to, 0, <usize>rows * ld);
  for (; rows > 0; rows--) {
    for (let t = 0; t < active; t++) store<f64>(to + (<usize>load<i32>(index + (<usize>t << 2)) << 3), load<f64>(from + (<usize>t << 3)));
    from += ld;
    to += ld;
  }
}

/**
 * Chosen coordinates drop out of the room, the index, the rows of the panel and the lower triangle of the projection, which follows them;
 * the projection is brought up to date. Returns how many are left. `kept`: as many integers.
 */
function settle(active: i32, m: i32, room: usize, index: usize, kept: usize, panel: usize, scratch: usize): i32 {
  const ld = rowBytes(8, m);
  let rest = 0;
  for (let t = 0; t < active; t++) {
    const left = load<f64>(room + (<usize>t << 3));
    if (left == TAKEN) continue;
    store<i32>(kept + (<usize>rest << 2), t);
    store<f64>(room + (<usize>rest << 3), left);
    store<i32>(index + (<usize>rest << 2), load<i32>(index + (<usize>t << 2)));
    rest++;
  }
  for (let t = 0; t < PANEL + rest; t++) {
    const from = panel + <usize>(t < PANEL ? t : PANEL + load<i32>(kept + (<usize>(t - PANEL) << 2))) * ld;
    const to = panel + t * ld;
    const count = t < PANEL ? rest : t - PANEL + 1;
    for (let u = 0; u < count; u++) store<f64>(to + (<usize>u << 3), load<f64>(from + (<usize>load<i32>(kept + (<usize>u << 2)) << 3)));
  }
  gemm(8, rest, rest, PANEL, -1, panel, ld, true, panel, ld, false, 1, panel + PANEL * ld, ld, LOWER, scratch);
  return rest;
}

/** R [n,n] ← the upper triangle of QᵀX, rows of empty slots 0, where columns were set aside. X [m,n] is read with the factor `s`. */
export function multiplyR(
  Z: usize, m: i32, n: i32, k: i32, s: f64, x: usize, ldx: usize, r: usize, ldr: usize, slots: usize, pieces: Pieces,
): void {
  const ld = rowBytes(8, m);
  const ldp = rowBytes(8, n);
  const product = (pieces.free + 15) & ~15;
  rearrange(Z, 8, m, n, s, x, ldx, Z, 0, pieces.x, 8, ld);
  gemm(8, k, n, m, 1, pieces.q, ld, false, pieces.x, ld, true, 0, product, ldp, FULL, product + <usize>n * ldp);
  rearrange(8, Z, n, n, 1 / s, product, 8, ldp, slots, r, Z, ldr);
  for (let i = 0; i < n; i++) memory.fill(r + i * ldr, 0, <usize>i * Z);
}
