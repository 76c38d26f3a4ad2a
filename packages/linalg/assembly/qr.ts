// Blocked Householder QR on the transpose: the columns of X are rows here, so reflectors and updates run along memory.
import { dot, fma, fnma, axpy, lanes, roundUp, scale, sumLanes, sumOfSquares, zero } from './vector';
import { BLOCK, applyBlock, formT, wyScratch } from './wy';

// @ts-ignore: decorator
@inline
export function rowBytes<T>(m: i32): usize {
  return <usize>roundUp(m, 4) * sizeof<T>();
}

/** Columns factored at a time: narrow panels while the matrix is small, since panel work is not a matrix product. */
// @ts-ignore: decorator
@inline
function panelWidth(n: i32): i32 {
  return n <= 192 ? 16 : BLOCK;
}

/** X [n,m] twice (factors and Q), T and the triangles of all panels, τ, and what a panel's products need. */
export function qrScratch<T>(m: i32, n: i32): usize {
  return <usize>(2 * n) * rowBytes<T>(m) + <usize>(2 * n * BLOCK + roundUp(n, 4)) * sizeof<T>() + wyScratch<T>(n, m) + 64;
}

/** Where the pieces lie in the scratch memory. */
// @ts-ignore: decorator
@inline
export function factorsAt(scratch: usize): usize {
  return (scratch + 15) & ~15;
}

/** x [k] ← the reflector u, u[0] = 1, that maps x to (β, 0, …, 0). Returns β; τ goes to `tau`. */
function reflectorDown<T>(k: i32, x: usize, tau: usize): T {
  const alpha = <f64>load<T>(x);
  const rest = Math.sqrt(sumOfSquares<T>(k - 1, x + sizeof<T>()));
  store<T>(x, <T>1);
  if (rest < (sizeof<T>() == 8 ? 1e-140 : 1e-30)) {
    memory.fill(x + sizeof<T>(), 0, <usize>(k - 1) * sizeof<T>());
    store<T>(tau, <T>0);
    return <T>alpha;
  }
  const norm = Math.sqrt(alpha * alpha + rest * rest);
  const beta = alpha > 0 ? -norm : norm;
  store<T>(tau, <T>((beta - alpha) / beta));
  scale<T>(k - 1, <T>(1 / (alpha - beta)), x + sizeof<T>());
  return <T>beta;
}

/** Rows of X [rows,k] ← X·(I − τ·u·uᵀ), four rows to each load of u. */
function reflectRows<T>(rows: i32, k: i32, u: usize, tau: T, x: usize, ld: usize): void {
  const L = lanes<T>();
  const Z = sizeof<T>();
  const whole = k & -L;
  const end = <usize>whole * Z;
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const x0 = x + r * ld;
    const x1 = x0 + ld;
    const x2 = x1 + ld;
    const x3 = x2 + ld;
    let s0 = zero<T>(), s1 = zero<T>(), s2 = zero<T>(), s3 = zero<T>();
    for (let o: usize = 0; o < end; o += 16) {
      const v = v128.load(u + o);
      s0 = fma<T>(v, v128.load(x0 + o), s0);
      s1 = fma<T>(v, v128.load(x1 + o), s1);
      s2 = fma<T>(v, v128.load(x2 + o), s2);
      s3 = fma<T>(v, v128.load(x3 + o), s3);
    }
    let t0 = sumLanes<T>(s0), t1 = sumLanes<T>(s1), t2 = sumLanes<T>(s2), t3 = sumLanes<T>(s3);
    for (let p = whole; p < k; p++) {
      const o = <usize>p * Z;
      const v = load<T>(u + o);
      t0 += v * load<T>(x0 + o);
      t1 += v * load<T>(x1 + o);
      t2 += v * load<T>(x2 + o);
      t3 += v * load<T>(x3 + o);
    }
    t0 *= tau;
    t1 *= tau;
    t2 *= tau;
    t3 *= tau;
    s0 = v128.splat<T>(t0);
    s1 = v128.splat<T>(t1);
    s2 = v128.splat<T>(t2);
    s3 = v128.splat<T>(t3);
    for (let o: usize = 0; o < end; o += 16) {
      const v = v128.load(u + o);
      v128.store(x0 + o, fnma<T>(s0, v, v128.load(x0 + o)));
      v128.store(x1 + o, fnma<T>(s1, v, v128.load(x1 + o)));
      v128.store(x2 + o, fnma<T>(s2, v, v128.load(x2 + o)));
      v128.store(x3 + o, fnma<T>(s3, v, v128.load(x3 + o)));
    }
    for (let p = whole; p < k; p++) {
      const o = <usize>p * Z;
      const v = load<T>(u + o);
      store<T>(x0 + o, load<T>(x0 + o) - t0 * v);
      store<T>(x1 + o, load<T>(x1 + o) - t1 * v);
      store<T>(x2 + o, load<T>(x2 + o) - t2 * v);
      store<T>(x3 + o, load<T>(x3 + o) - t3 * v);
    }
  }
  for (; r < rows; r++) axpy<T>(k, -tau * dot<T>(k, u, x + r * ld), u, x + r * ld);
}

/**
 * Thin QR of X [m,n], m ≥ n, given as its rows Xᵀ [n,m] at factorsAt(scratch); R times `backScale`, diagonal positive, `r` = 0 skips it.
 * Gives up, returning false with nothing written, when some |R_jj| ≤ `threshold`.
 */
export function qr<T>(m: i32, n: i32, threshold: f64, q: usize, ldq: usize, r: usize, ldr: usize, backScale: T, scratch: usize): bool {
  const Z = sizeof<T>();
  const ld = rowBytes<T>(m);
  const ldb = <usize>BLOCK * Z;
  const x = factorsAt(scratch);
  const qt = x + <usize>n * ld;
  const ts = qt + <usize>n * ld;
  // Row j: column j of R from the panel's first row down to the diagonal.
  const triangles = ts + <usize>n * ldb;
  const tau = triangles + <usize>n * ldb;
  const free = tau + <usize>roundUp(n, 4) * Z;
  const width = panelWidth(n);

  for (let j0 = 0; j0 < n; j0 += width) {
    const b = min(width, n - j0);
    const k = m - j0;
    for (let j = j0; j < j0 + b; j++) {
      const row = x + j * ld + j0 * Z;
      const at = <usize>(j - j0) * Z;
      memory.copy(triangles + j * ldb, row, at);
      memory.fill(row, 0, at);
      const diagonal = reflectorDown<T>(m - j, row + at, tau + j * Z);
      if (!(<f64>abs<T>(diagonal) > threshold)) return false;
      store<T>(triangles + j * ldb + at, diagonal);
      reflectRows<T>(j0 + b - j - 1, m - j, row + at, load<T>(tau + j * Z), row + at + ld, ld);
    }
    const u = x + j0 * ld + j0 * Z;
    formT<T>(b, k, u, ld, tau + j0 * Z, ts + j0 * ldb, free);
    applyBlock<T>(n - j0 - b, b, k, u, ld, ts + j0 * ldb, false, u + b * ld, ld, free);
  }

  memory.fill(qt, 0, <usize>n * ld);
  for (let j = 0; j < n; j++) store<T>(qt + j * ld + j * Z, <T>1);
  for (let j0 = ((n - 1) / width) * width; j0 >= 0; j0 -= width) {
    const b = min(width, n - j0);
    const corner = j0 * ld + j0 * Z;
    applyBlock<T>(n - j0, b, m - j0, x + corner, ld, ts + j0 * ldb, true, qt + corner, ld, free);
  }

  for (let i0 = 0; i0 < m; i0 += 8) {
    const i1 = min(i0 + 8, m);
    for (let j = 0; j < n; j++) {
      const sign = load<T>(triangles + j * ldb + <usize>(j % width) * Z) < 0 ? <T>-1 : <T>1;
      for (let i = i0; i < i1; i++) store<T>(q + i * ldq + j * Z, sign * load<T>(qt + j * ld + i * Z));
    }
  }
  if (r == 0) return true;
  for (let i = 0; i < n; i++) {
    const sign = load<T>(triangles + i * ldb + <usize>(i % width) * Z) < 0 ? -backScale : backScale;
    for (let j = 0; j < n; j++) {
      const first = j - (j % width);
      let value = <T>0;
      if (i <= j) value = sign * (i >= first ? load<T>(triangles + j * ldb + <usize>(i - first) * Z) : load<T>(x + j * ld + i * Z));
      store<T>(r + i * ldr + j * Z, value);
    }
  }
  return true;
}
