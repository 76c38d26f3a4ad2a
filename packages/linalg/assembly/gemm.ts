// C ← α·op(A)·op(B) + β·C: blocked for the caches, packed, in register tiles; thin products and small ones take shorter ways.
import { get, set } from './element';
import { packAcross, packAlong } from './pack';
import { MR, tile, tilePacked } from './tile';
import { dot, fma, lanes, roundUp, sumLanes, zero } from './vector';

/** Depth of a packed panel: a B panel of KC·NR elements (8 KB) stays in the first-level cache. */
const KC: i32 = 256;
/** Rows of the packed block of A, which stays in the second-level cache. */
const MC: i32 = 128;
/** Columns of the packed block of B. */
const NC: i32 = 512;

/** Below this many columns a panel of A is used too seldom to be worth packing. */
const PACK_A_FROM: i32 = 48;

/** Result: all of C, the tiles that meet the lower triangle mirrored upwards, or those alone. */
export const FULL: i32 = 0;
export const MIRRORED: i32 = 1;
export const LOWER: i32 = 2;

/** A register tile has two vectors of columns. */
const TILE_ROW: usize = 32;

// @ts-ignore: decorator
@inline
function tileColumns(Z: usize): i32 {
  return <i32>(TILE_ROW / Z);
}

/** Scratch bytes: a block of A, a block of B, one tile. As all such sizes in float64: what is too much for 32 bits must be seen to be. */
export function gemmScratch(Z: usize, m: i32, n: i32, k: i32): f64 {
  const packed = roundUp(min(m, MC), MR) + roundUp(min(n, NC), tileColumns(Z));
  return <f64>(min(k, KC) * packed) * <f64>Z + MR * TILE_ROW + 16;
}

/** C ← β·C (β = 0 overwrites NaN too). */
function scaleOutput(Z: usize, m: i32, n: i32, beta: f64, c: usize, ldc: usize): void {
  if (beta == 1) return;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const at = c + i * ldc + j * Z;
      set(Z, at, beta == 0 ? 0 : beta * get(Z, at));
    }
  }
}

/** Copies the lower triangle of C [n,n] onto the upper one: what is left of the diagonal in blocks of four rows, then the rest. */
function mirror(Z: usize, n: i32, c: usize, ldc: usize): void {
  for (let i0 = 0; i0 < n; i0 += 4) {
    const rows = min(4, n - i0);
    const block = c + i0 * ldc;
    packAcross(Z, rows, rows, i0, block, ldc, c + i0 * Z, ldc);
    for (let i = 1; i < rows; i++) {
      for (let j = 0; j < i; j++) set(Z, block + j * ldc + (i0 + i) * Z, get(Z, block + i * ldc + (i0 + j) * Z));
    }
  }
}

// @ts-ignore: decorator
@inline
function combine<T>(y: usize, s: T, alpha: T, beta: T): void {
  store<T>(y, beta == 0 ? alpha * s : alpha * s + beta * load<T>(y));
}

/** y_i ← α·(row i · x) + β·y_i for contiguous rows and x, four rows to each load of x. */
function gemvRows<T>(m: i32, k: i32, alpha: T, a: usize, lda: usize, x: usize, beta: T, y: usize, incy: usize): void {
  const Z = sizeof<T>();
  const whole = k & -lanes<T>();
  const end = <usize>whole * Z;
  let i = 0;
  for (; i + 4 <= m; i += 4) {
    const a1 = a + lda;
    const a2 = a1 + lda;
    const a3 = a2 + lda;
    let s0 = zero<T>(), s1 = zero<T>(), s2 = zero<T>(), s3 = zero<T>();
    for (let o: usize = 0; o < end; o += 16) {
      const v = v128.load(x + o);
      s0 = fma<T>(v, v128.load(a + o), s0);
      s1 = fma<T>(v, v128.load(a1 + o), s1);
      s2 = fma<T>(v, v128.load(a2 + o), s2);
      s3 = fma<T>(v, v128.load(a3 + o), s3);
    }
    let t0 = sumLanes<T>(s0), t1 = sumLanes<T>(s1), t2 = sumLanes<T>(s2), t3 = sumLanes<T>(s3);
    for (let p = whole; p < k; p++) {
      const o = <usize>p * Z;
      const v = load<T>(x + o);
      t0 += v * load<T>(a + o);
      t1 += v * load<T>(a1 + o);
      t2 += v * load<T>(a2 + o);
      t3 += v * load<T>(a3 + o);
    }
    combine<T>(y, t0, alpha, beta);
    y += incy;
    combine<T>(y, t1, alpha, beta);
    y += incy;
    combine<T>(y, t2, alpha, beta);
    y += incy;
    combine<T>(y, t3, alpha, beta);
    y += incy;
    a = a3 + lda;
  }
  for (; i < m; i++) {
    combine<T>(y, dot<T>(k, a, x), alpha, beta);
    a += lda;
    y += incy;
  }
}

/** y ← α·Σ_p x_p·(row p of B) + β·y, y contiguous [n]; x_p at `incx` bytes. */
function gemvColumns<T>(n: i32, k: i32, alpha: T, x: usize, incx: usize, b: usize, ldb: usize, beta: T, y: usize): void {
  const L = lanes<T>();
  let j = 0;
  for (; j + 4 * L <= n; j += 4 * L) {
    let s0 = zero<T>(), s1 = zero<T>(), s2 = zero<T>(), s3 = zero<T>();
    let from = b + j * sizeof<T>();
    let at = x;
    for (let p = 0; p < k; p++) {
      const v = v128.load_splat<T>(at);
      s0 = fma<T>(v, v128.load(from), s0);
      s1 = fma<T>(v, v128.load(from, 16), s1);
      s2 = fma<T>(v, v128.load(from, 32), s2);
      s3 = fma<T>(v, v128.load(from, 48), s3);
      at += incx;
      from += ldb;
    }
    const to = y + j * sizeof<T>();
    const va = v128.splat<T>(alpha);
    s0 = v128.mul<T>(va, s0);
    s1 = v128.mul<T>(va, s1);
    s2 = v128.mul<T>(va, s2);
    s3 = v128.mul<T>(va, s3);
    if (beta != 0) {
      const vb = v128.splat<T>(beta);
      s0 = fma<T>(vb, v128.load(to), s0);
      s1 = fma<T>(vb, v128.load(to, 16), s1);
      s2 = fma<T>(vb, v128.load(to, 32), s2);
      s3 = fma<T>(vb, v128.load(to, 48), s3);
    }
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
  }
  for (; j < n; j++) {
    let s = <T>0;
    for (let p = 0; p < k; p++) s += load<T>(x + p * incx) * load<T>(b + p * ldb + j * sizeof<T>());
    const to = y + j * sizeof<T>();
    store<T>(to, beta == 0 ? alpha * s : alpha * s + beta * load<T>(to));
  }
}

/** `gemvRows` for an element type known at run time. */
export function rowsTimes(Z: usize, m: i32, k: i32, alpha: f64, a: usize, lda: usize, x: usize, beta: f64, y: usize, incy: usize): void {
  if (Z == 4) gemvRows<f32>(m, k, <f32>alpha, a, lda, x, <f32>beta, y, incy);
  else gemvRows<f64>(m, k, alpha, a, lda, x, beta, y, incy);
}

function timesRows(Z: usize, n: i32, k: i32, alpha: f64, x: usize, incx: usize, b: usize, ldb: usize, beta: f64, y: usize): void {
  if (Z == 4) gemvColumns<f32>(n, k, <f32>alpha, x, incx, b, ldb, <f32>beta, y);
  else gemvColumns<f64>(n, k, alpha, x, incx, b, ldb, beta, y);
}

/** An edge tile: the wanted corner of the temporary tile goes into C. */
function mergeTile<T>(rows: i32, columns: i32, tile: usize, alpha: T, beta: T, c: usize, ldc: usize): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = c + j * sizeof<T>();
      const s = alpha * load<T>(tile + j * sizeof<T>());
      store<T>(at, beta == 0 ? s : s + beta * load<T>(at));
    }
    c += ldc;
    tile += TILE_ROW;
  }
}

/** The product for elements of size Z; leading dimensions in bytes. */
export function gemm(
  Z: usize, m: i32, n: i32, k: i32, alpha: f64, a: usize, lda: usize, transposeA: bool, b: usize, ldb: usize, transposeB: bool,
  beta: f64, c: usize, ldc: usize, result: i32, scratch: usize,
): void {
  if (m <= 0 || n <= 0) return;
  if (k <= 0 || alpha == 0) return scaleOutput(Z, m, n, beta, c, ldc);
  if (m == 1) {
    const incx = transposeA ? lda : Z;
    if (!transposeB) return timesRows(Z, n, k, alpha, a, incx, b, ldb, beta, c);
    if (incx == Z || k == 1) return rowsTimes(Z, n, k, alpha, b, ldb, a, beta, c, Z);
  }
  if (n == 1) {
    const incx = transposeB ? Z : ldb;
    if (transposeA && ldc == Z) return timesRows(Z, m, k, alpha, b, incx, a, lda, beta, c);
    if (!transposeA && (incx == Z || k == 1)) return rowsTimes(Z, m, k, alpha, a, lda, b, beta, c, ldc);
  }
  const N = tileColumns(Z);
  const depth = min(k, KC);
  const corner = (scratch + 15) & ~15;
  const packedB = corner + MR * TILE_ROW;
  const packedA = packedB + <usize>(depth * roundUp(min(n, NC), N)) * Z;
  const packA = n >= PACK_A_FROM;
  // Rows of B can be read in place when whole tiles cover them and nothing is gained from a copy.
  const packB = packA || transposeB || n % N != 0 || m > 32;
  const rowA = transposeA ? Z : lda;
  const stepA = transposeA ? lda : Z;
  const nextA = packA ? Z : rowA;
  const alongA = packA ? MR * Z : stepA;
  for (let j0 = 0; j0 < n; j0 += NC) {
    const columns = min(NC, n - j0);
    for (let p0 = 0; p0 < k; p0 += KC) {
      const kc = min(KC, k - p0);
      const beta1 = p0 == 0 ? beta : 1;
      const downA = packA ? <usize>(MR * kc) * Z : MR * rowA;
      if (packB) {
        for (let j = 0; j < columns; j += N) {
          const to = packedB + <usize>(j * kc) * Z;
          const wide = min(N, columns - j);
          if (transposeB) packAcross(Z, N, wide, kc, b + (j0 + j) * ldb + p0 * Z, ldb, to, TILE_ROW);
          else packAlong(Z, N, wide, kc, b + p0 * ldb + (j0 + j) * Z, ldb, to);
        }
      }
      for (let i0 = 0; i0 < m; i0 += MC) {
        const rows = min(MC, m - i0);
        if (result != FULL && i0 + rows <= j0) continue;
        if (packA) {
          for (let i = 0; i < rows; i += MR) {
            const to = packedA + <usize>(i * kc) * Z;
            const from = a + (i0 + i) * rowA + p0 * stepA;
            const tall = min(MR, rows - i);
            if (transposeA) packAlong(Z, MR, tall, kc, from, lda, to);
            else packAcross(Z, MR, tall, kc, from, lda, to, MR * Z);
          }
        }
        for (let j = 0; j < columns; j += N) {
          const wide = min(N, columns - j);
          const panelB = packB ? packedB + <usize>(j * kc) * Z : b + p0 * ldb + (j0 + j) * Z;
          const stepB = packB ? TILE_ROW : ldb;
          // Rows above this one lie wholly above the diagonal.
          let i = result == FULL ? 0 : max(0, (j0 + j - i0) & ~(MR - 1));
          let a0 = packA ? packedA + <usize>(i * kc) * Z : a + (i0 + i) * rowA + p0 * stepA;
          let to = c + (i0 + i) * ldc + (j0 + j) * Z;
          for (; i < rows; i += MR) {
            const tall = min(MR, rows - i);
            const whole = tall == MR && wide == N;
            const target = whole ? to : corner;
            const stride = whole ? ldc : TILE_ROW;
            const alpha1 = whole ? alpha : 1;
            const beta2 = whole ? beta1 : 0;
            // Missing rows repeat the last one, so that nothing outside A is read.
            const a1 = tall > 1 ? a0 + nextA : a0;
            const a2 = tall > 2 ? a1 + nextA : a1;
            const a3 = tall > 3 ? a2 + nextA : a2;
            if (Z == 4 && packA) tilePacked<f32>(kc, a0, panelB, <f32>alpha1, <f32>beta2, target, stride);
            else if (Z == 4) tile<f32>(kc, a0, a1, a2, a3, alongA, panelB, stepB, <f32>alpha1, <f32>beta2, target, stride);
            else tile<f64>(kc, a0, a1, a2, a3, alongA, panelB, stepB, alpha1, beta2, target, stride);
            if (!whole) {
              if (Z == 4) mergeTile<f32>(tall, wide, corner, <f32>alpha, <f32>beta1, to, ldc);
              else mergeTile<f64>(tall, wide, corner, alpha, beta1, to, ldc);
            }
            a0 += downA;
            to += MR * ldc;
          }
        }
      }
    }
  }
  if (result == MIRRORED) mirror(Z, n, c, ldc);
}

/** `gemm` on `batch` matrices; strides in bytes. */
export function gemmBatched(
  Z: usize, batch: i32, m: i32, n: i32, k: i32, alpha: f64, a: usize, lda: usize, strideA: usize, transposeA: bool,
  b: usize, ldb: usize, strideB: usize, transposeB: bool, beta: f64, c: usize, ldc: usize, strideC: usize, result: i32, scratch: usize,
): void {
  for (let i = 0; i < batch; i++) {
    gemm(Z, m, n, k, alpha, a, lda, transposeA, b, ldb, transposeB, beta, c, ldc, result, scratch);
    a += strideA;
    b += strideB;
    c += strideC;
  }
}
