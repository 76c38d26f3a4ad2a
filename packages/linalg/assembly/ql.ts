// Implicit QL on a small symmetric tridiagonal matrix, in float64.
import { fma, fnma, zero } from './vector';

/**
 * Rotates rows l…m of Z [·,n]: for i = m−1 … l with (c, s): (z_i, z_{i+1}) ← (c·z_i − s·z_{i+1}, s·z_i + c·z_{i+1}).
 * Four vectors of columns at a time, so that the row two rotations share stays in registers. n is a multiple of 8.
 */
function rotateRows(l: i32, m: i32, n: i32, rotations: usize, z: usize, ld: usize): void {
  for (let j = 0; j < n; j += 8) {
    let at = z + m * ld + (<usize>j << 3);
    let f0 = v128.load(at), f1 = v128.load(at, 16), f2 = v128.load(at, 32), f3 = v128.load(at, 48);
    for (let i = m - 1; i >= l; i--) {
      const c = v128.load64_splat(rotations + (<usize>i << 4));
      const s = v128.load64_splat(rotations + (<usize>i << 4), 8);
      const below = at;
      at -= ld;
      const g0 = v128.load(at), g1 = v128.load(at, 16), g2 = v128.load(at, 32), g3 = v128.load(at, 48);
      v128.store(below, fma<f64>(s, g0, f64x2.mul(c, f0)));
      v128.store(below, fma<f64>(s, g1, f64x2.mul(c, f1)), 16);
      v128.store(below, fma<f64>(s, g2, f64x2.mul(c, f2)), 32);
      v128.store(below, fma<f64>(s, g3, f64x2.mul(c, f3)), 48);
      f0 = fnma<f64>(s, f0, f64x2.mul(c, g0));
      f1 = fnma<f64>(s, f1, f64x2.mul(c, g1));
      f2 = fnma<f64>(s, f2, f64x2.mul(c, g2));
      f3 = fnma<f64>(s, f3, f64x2.mul(c, g3));
    }
    v128.store(at, f0);
    v128.store(at, f1, 16);
    v128.store(at, f2, 32);
    v128.store(at, f3, 48);
  }
}

/**
 * Diagonal d [n], subdiagonal e (e[i] couples i−1 and i; destroyed): d becomes the eigenvalues (unsorted), the rows of Z [n, ld/8] the
 * eigenvectors; Z = 0 skips them. `floor` is the absolute size below which a subdiagonal element counts as zero: the relative test alone
 * never ends on a rank-deficient matrix. Returns false if 60 rounds per eigenvalue were not enough.
 */
export function ql(n: i32, d: usize, e: usize, epsilon: f64, floor: f64, z: usize, ld: usize, rotations: usize): bool {
  if (z != 0) {
    memory.fill(z, 0, <usize>n * ld);
    for (let i = 0; i < n; i++) store<f64>(z + i * ld + (<usize>i << 3), 1);
  }
  const next = e + 8;
  for (let l = 0; l < n; l++) {
    for (let round = 0; ; round++) {
      let m = l;
      for (; m < n - 1; m++) {
        const at = <usize>m << 3;
        const size = Math.abs(load<f64>(next + at));
        if (size <= epsilon * (Math.abs(load<f64>(d + at)) + Math.abs(load<f64>(d + at, 8))) + floor) break;
      }
      if (m == l) break;
      if (round == 60) return false;
      const el = load<f64>(next + (<usize>l << 3));
      const dl = load<f64>(d + (<usize>l << 3));
      let g = (load<f64>(d + (<usize>l << 3), 8) - dl) / (2 * el);
      let r = Math.sqrt(g * g + 1);
      g = load<f64>(d + (<usize>m << 3)) - dl + el / (g + (g < 0 ? -r : r));
      let s: f64 = 1, c: f64 = 1, p: f64 = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const at = <usize>i << 3;
        const f = s * load<f64>(next + at);
        const b = c * load<f64>(next + at);
        r = Math.sqrt(f * f + g * g);
        store<f64>(next + at, r, 8);
        if (r == 0) {
          // The problem splits below row i + 1; the rotations so far stand.
          store<f64>(d + at, load<f64>(d + at, 8) - p, 8);
          break;
        }
        s = f / r;
        c = g / r;
        g = load<f64>(d + at, 8) - p;
        r = (load<f64>(d + at) - g) * s + 2 * c * b;
        p = s * r;
        store<f64>(d + at, g + p, 8);
        g = c * r - b;
        store<f64>(rotations + (<usize>i << 4), c);
        store<f64>(rotations + (<usize>i << 4), s, 8);
      }
      if (z != 0) rotateRows(i + 1, m, <i32>(ld >> 3), rotations, z, ld);
      store<f64>(next + (<usize>m << 3), 0);
      if (i >= l) continue;
      store<f64>(d + (<usize>l << 3), load<f64>(d + (<usize>l << 3)) - p);
      store<f64>(next + (<usize>l << 3), g);
    }
  }
  return true;
}
