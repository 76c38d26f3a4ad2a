// Roots of the secular equation f(λ) = 1 + Σ z_j² / (d_j − λ) = 0, d ascending and distinct, and the eigenvectors of D + z·zᵀ.
//
// A root is kept as (origin, η): λ = d[origin] + η with origin its nearer pole, so that d_j − λ = (d_j − d[origin]) − η loses no digits.
import { fma, sumLanes } from './vector';

let sum: f64 = 0;
let slope: f64 = 0;

/** sum ← Σ z_j²/δ_j and slope ← Σ z_j²/δ_j² over j in [from, to), δ_j = (d_j − origin) − η. */
function accumulate(from: i32, to: i32, d: usize, z: usize, origin: f64, eta: f64): void {
  const o = f64x2.splat(origin), h = f64x2.splat(eta);
  let s = f64x2.splat(0), t = f64x2.splat(0);
  let j = from;
  for (; j + 2 <= to; j += 2) {
    const zj = v128.load(z + (<usize>j << 3));
    const q = f64x2.div(zj, f64x2.sub(f64x2.sub(v128.load(d + (<usize>j << 3)), o), h));
    s = f64x2.add(s, f64x2.mul(zj, q));
    t = f64x2.add(t, f64x2.mul(q, q));
  }
  sum = sumLanes<f64>(s);
  slope = sumLanes<f64>(t);
  if (j < to) {
    const zj = load<f64>(z + (<usize>j << 3));
    const q = zj / (load<f64>(d + (<usize>j << 3)) - origin - eta);
    sum += zj * q;
    slope += q * q;
  }
}

/** A root of c·x² − a·x + b, the one of smaller modulus for a > 0 when `small`, computed without cancellation. */
function root(a: f64, b: f64, c: f64, small: bool): f64 {
  const r = Math.sqrt(Math.max(a * a - 4 * b * c, 0));
  if (small) return a <= 0 ? (a - r) / (2 * c) : (2 * b) / (a + r);
  return a >= 0 ? (a + r) / (2 * c) : (2 * b) / (a - r);
}

/**
 * The i-th root (of k ≥ 1), between d_i and d_{i+1}, the last one above d_{k−1}: η goes to `eta`, the origin's index is returned.
 * Rational interpolation with one pole on either side, kept inside a shrinking bracket.
 */
export function secularRoot(i: i32, k: i32, d: usize, z: usize, tolerance: f64, eta: usize): i32 {
  const di = load<f64>(d + (<usize>i << 3));
  const zi = load<f64>(z + (<usize>i << 3));
  if (k == 1) {
    store<f64>(eta, zi * zi);
    return 0;
  }
  const last = i == k - 1;
  let origin = i;
  let low: f64 = 0, high: f64 = 0, x: f64 = 0;
  if (last) {
    for (let j = 0; j < k; j++) {
      const zj = load<f64>(z + (<usize>j << 3));
      high += zj * zj;
    }
    // Everything but the two highest poles, at the middle of the bracket.
    accumulate(0, k - 2, d, z, di, high / 2);
    const c = 1 + sum;
    const gap = di - load<f64>(d + (<usize>(i - 1) << 3));
    const zp = load<f64>(z + (<usize>(i - 1) << 3));
    x = c > 0 ? root(zp * zp + zi * zi - c * gap, -zi * zi * gap, c, false) : high;
  } else {
    const gap = load<f64>(d + (<usize>i << 3), 8) - di;
    const zn = load<f64>(z + (<usize>i << 3), 8);
    const half = gap / 2;
    accumulate(0, i, d, z, di, half);
    let c = 1 + sum;
    accumulate(i + 2, k, d, z, di, half);
    c += sum;
    if (c + (zn * zn - zi * zi) / half >= 0) {
      high = half;
      x = root(c * gap + zi * zi + zn * zn, zi * zi * gap, c, true);
    } else {
      origin = i + 1;
      low = -half;
      x = root(zi * zi + zn * zn - c * gap, -zn * zn * gap, c, false);
    }
  }
  if (!(x > low && x < high)) x = (low + high) / 2;
  const from = load<f64>(d + (<usize>origin << 3));
  // psi sums the poles up to `split`, phi those above; the model has one pole for each.
  const split = last ? i : i + 1;
  const pole1 = load<f64>(d + (<usize>(split - 1) << 3)) - from;
  const pole2 = load<f64>(d + (<usize>split << 3)) - from;
  for (let round = 0; round < 100; round++) {
    accumulate(0, split, d, z, from, x);
    const psi = sum, psiSlope = slope;
    accumulate(split, k, d, z, from, x);
    const f = 1 + psi + sum;
    const fSlope = psiSlope + slope;
    if (Math.abs(f) <= tolerance * (1 + 8 * (Math.abs(psi) + Math.abs(sum)) + Math.abs(x) * fSlope)) break;
    if (f < 0) low = x;
    else high = x;
    const g1 = pole1 - x, g2 = pole2 - x;
    const c = f - g1 * psiSlope - g2 * slope;
    const a = (g1 + g2) * f - g1 * g2 * fSlope;
    const b = g1 * g2 * f;
    let next = x + root(a, b, last ? Math.abs(c) : c, !last);
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (next == x || next == low || next == high) break;
    x = next;
  }
  store<f64>(eta, x);
  return origin;
}

/**
 * Replaces z by the vector ẑ of which the computed roots are the exact ones (Löwner's formula): the eigenvectors then are orthogonal
 * however close the roots. `origins`: i32, `product`: k float64 of scratch.
 */
export function refineWeights(k: i32, d: usize, z: usize, origins: usize, etas: usize, product: usize): void {
  for (let j = 0; j < k; j++) store<f64>(product + (<usize>j << 3), 1);
  for (let i = 0; i < k; i++) {
    const di = load<f64>(d + (<usize>i << 3));
    const origin = load<f64>(d + (<usize>load<i32>(origins + (<usize>i << 2)) << 3));
    const eta = load<f64>(etas + (<usize>i << 3));
    const own = load<f64>(product + (<usize>i << 3)) * (di - origin - eta);
    const vd = f64x2.splat(di), vo = f64x2.splat(origin), ve = f64x2.splat(eta);
    let j = 0;
    for (; j + 2 <= k; j += 2) {
      const at = <usize>j << 3;
      const dj = v128.load(d + at);
      const ratio = f64x2.div(f64x2.sub(f64x2.sub(dj, vo), ve), f64x2.sub(dj, vd));
      v128.store(product + at, f64x2.mul(v128.load(product + at), ratio));
    }
    if (j < k) {
      const at = <usize>j << 3;
      const dj = load<f64>(d + at);
      store<f64>(product + at, load<f64>(product + at) * ((dj - origin - eta) / (dj - di)));
    }
    // Its own factor has no denominator; the loop above wrote 1/0 there.
    store<f64>(product + (<usize>i << 3), own);
  }
  for (let j = 0; j < k; j++) {
    const at = <usize>j << 3;
    const size = Math.sqrt(Math.abs(load<f64>(product + at)));
    store<f64>(z + at, load<f64>(z + at) < 0 ? -size : size);
  }
}

/**
 * The unit eigenvector of root i, z_j/(d_j − λ_i) normalised, as `row` of elements of size Z (up to a whole vector beyond k is written). `origin` and
 * `eta` give the root; d and z may be in any order. `work`: k float64.
 */
export function secularVector(Z: usize, k: i32, d: usize, z: usize, origin: f64, eta: f64, row: usize, work: usize): void {
  const vo = f64x2.splat(origin), ve = f64x2.splat(eta);
  let s = f64x2.splat(0);
  let j = 0;
  for (; j + 2 <= k; j += 2) {
    const at = <usize>j << 3;
    const q = f64x2.div(v128.load(z + at), f64x2.sub(f64x2.sub(v128.load(d + at), vo), ve));
    v128.store(work + at, q);
    s = fma<f64>(q, q, s);
  }
  let total = sumLanes<f64>(s);
  if (j < k) {
    const at = <usize>j << 3;
    const q = load<f64>(z + at) / (load<f64>(d + at) - origin - eta);
    store<f64>(work + at, q);
    total += q * q;
  }
  const unit = f64x2.splat(1 / Math.sqrt(total));
  for (j = 0; j < k; j += 2) {
    const q = f64x2.mul(v128.load(work + (<usize>j << 3)), unit);
    if (Z == 8) v128.store(row + (<usize>j << 3), q);
    else {
      const normal = f64x2.ge(f64x2.abs(q), f64x2.splat(SMALLEST));
      v128.store64_lane(row + (<usize>j << 2), f32x4.demote_f64x2_zero(v128.and(q, normal)), 0);
    }
  }
}

/** Smaller float32 coefficients become 0: they would breed denormals, which are slow in every product. */
const SMALLEST: f64 = 1e-30;

/** Without what would be denormal in float32. */
// @ts-ignore: decorator
@inline
export function flush(Z: usize, x: f64): f64 {
  return Z == 4 && Math.abs(x) < SMALLEST ? 0 : x;
}
