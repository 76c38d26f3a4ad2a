// Householder reduction A = Q·T·Qᵀ of a symmetric matrix.
//
// The lower triangle is reduced from the last row up, so that reflectors and the remaining matrix are rows that start at column 0:
// reflector i is (u, 0…) with u in row i, columns 0…i−1, u[i−1] = 1, and Q = H(n−1)·…·H(1), H = I − τ·u·uᵀ.
import { axpy, dot, get, scale, subtractOuter } from './element';
import { reflector } from './reflector';
import { fma, fnma, lanes, sumLanes, zero } from './vector';

/**
 * A ← A − v·wᵀ − w·vᵀ and y ← A·u in one pass over the lower triangle of the leading [k,k] block.
 * The diagonal blocks of 4 are kept whole; y is set.
 */
function updateAndMultiply<T>(k: i32, a: usize, ld: usize, v: usize, w: usize, u: usize, y: usize): void {
  const L = lanes<T>();
  const Z = sizeof<T>();
  const blocks = k & ~3;
  for (let i = 0; i < blocks; i += 4) {
    const at = <usize>i * Z;
    let r0 = a + i * ld;
    let r1 = r0 + ld;
    let r2 = r1 + ld;
    let r3 = r2 + ld;
    const v0 = v128.load_splat<T>(v + at), v1 = v128.load_splat<T>(v + at, Z), v2 = v128.load_splat<T>(v + at, 2 * Z), v3 = v128.load_splat<T>(v + at, 3 * Z);
    const w0 = v128.load_splat<T>(w + at), w1 = v128.load_splat<T>(w + at, Z), w2 = v128.load_splat<T>(w + at, 2 * Z), w3 = v128.load_splat<T>(w + at, 3 * Z);
    const u0 = v128.load_splat<T>(u + at), u1 = v128.load_splat<T>(u + at, Z), u2 = v128.load_splat<T>(u + at, 2 * Z), u3 = v128.load_splat<T>(u + at, 3 * Z);
    let s0 = zero<T>(), s1 = zero<T>(), s2 = zero<T>(), s3 = zero<T>();
    const end = at + 4 * Z;
    for (let j: usize = 0; j < end; j += 16) {
      const vj = v128.load(v + j);
      const wj = v128.load(w + j);
      const uj = v128.load(u + j);
      let yj = v128.load(y + j);
      let x = fnma<T>(w0, vj, fnma<T>(v0, wj, v128.load(r0 + j)));
      v128.store(r0 + j, x);
      s0 = fma<T>(x, uj, s0);
      yj = fma<T>(x, u0, yj);
      x = fnma<T>(w1, vj, fnma<T>(v1, wj, v128.load(r1 + j)));
      v128.store(r1 + j, x);
      s1 = fma<T>(x, uj, s1);
      yj = fma<T>(x, u1, yj);
      x = fnma<T>(w2, vj, fnma<T>(v2, wj, v128.load(r2 + j)));
      v128.store(r2 + j, x);
      s2 = fma<T>(x, uj, s2);
      yj = fma<T>(x, u2, yj);
      x = fnma<T>(w3, vj, fnma<T>(v3, wj, v128.load(r3 + j)));
      v128.store(r3 + j, x);
      s3 = fma<T>(x, uj, s3);
      yj = fma<T>(x, u3, yj);
      v128.store(y + j, yj);
    }
    // The columns of the block on the diagonal have written here too, but so far that is all there is.
    store<T>(y + at, sumLanes<T>(s0));
    store<T>(y + at, sumLanes<T>(s1), Z);
    store<T>(y + at, sumLanes<T>(s2), 2 * Z);
    store<T>(y + at, sumLanes<T>(s3), 3 * Z);
  }
  for (let i = blocks; i < k; i++) {
    const at = <usize>i * Z;
    const row = a + i * ld;
    const vi = load<T>(v + at), wi = load<T>(w + at), ui = load<T>(u + at);
    const vv = v128.splat<T>(vi), vw = v128.splat<T>(wi), vu = v128.splat<T>(ui);
    let s = zero<T>();
    for (let j = 0; j < blocks; j += L) {
      const o = <usize>j * Z;
      const x = fnma<T>(vw, v128.load(v + o), fnma<T>(vv, v128.load(w + o), v128.load(row + o)));
      v128.store(row + o, x);
      s = fma<T>(x, v128.load(u + o), s);
      v128.store(y + o, fma<T>(x, vu, v128.load(y + o)));
    }
    let total = sumLanes<T>(s);
    for (let j = blocks; j <= i; j++) {
      const o = <usize>j * Z;
      const x = load<T>(row + o) - vi * load<T>(w + o) - wi * load<T>(v + o);
      store<T>(row + o, x);
      total += x * load<T>(u + o);
      if (j < i) store<T>(y + o, load<T>(y + o) + x * ui);
    }
    store<T>(y + at, total);
  }
}

/**
 * Reduces A [n,n] (whole symmetric matrix, row stride `ld` bytes, a multiple of 16) to diagonal d and subdiagonal e (float64; e[i] couples
 * i−1 and i, e[0] = 0). Rows of A keep the reflectors, `tau` their factors. `work`: 2 vectors of `ld` bytes.
 */
export function tridiagonalise(Z: usize, n: i32, a: usize, ld: usize, d: usize, e: usize, tau: usize, work: usize): void {
  // The pending update is v·wᵀ + w·vᵀ; v is the row of the previous reflector.
  let v = work;
  let w = work;
  let y = work + ld;
  memory.fill(work, 0, ld);
  for (let i = n - 1; i >= 1; i--) {
    const row = a + i * ld;
    subtractOuter(Z, 1, i + 1, v + i * Z, 0, w, row, 0);
    subtractOuter(Z, 1, i + 1, w + i * Z, 0, v, row, 0);
    store<f64>(d + ((<usize>i) << 3), get(Z, row + i * Z));
    store<f64>(e + ((<usize>i) << 3), reflector(Z, i - 1, row, row + <usize>(i - 1) * Z, tau + i * Z));
    const t = get(Z, tau + i * Z);
    // The pass applies the pending update while it forms y = A·u; w' = τ·y − ½τ²(yᵀu)·u.
    if (Z == 4) updateAndMultiply<f32>(i, a, ld, v, w, row, y);
    else updateAndMultiply<f64>(i, a, ld, v, w, row, y);
    const half = 0.5 * t * t * dot(Z, i, y, row);
    scale(Z, i, t, y);
    axpy(Z, i, -half, row, y);
    const free = w;
    w = y;
    y = free;
    v = row;
  }
  store<f64>(d, n > 0 ? get(Z, a) - 2 * get(Z, v) * get(Z, w) : 0);
  store<f64>(e, 0);
}
