// Blocked Householder QR on the transpose: the columns of X are rows here, so reflectors and updates run along memory.
import { get, rearrange, rowBytes, scale, set, subtractOuter } from './element';
import { rowsTimes } from './gemm';
import { reflector } from './reflector';
import { roundUp } from './vector';
import { BLOCK, applyBlock, formT, wyScratch } from './wy';

/** Columns factored at a time: narrow panels while the matrix is small, since panel work is not a matrix product. */
// @ts-ignore: decorator
@inline
function panelWidth(n: i32): i32 {
  return n <= 256 ? 16 : 24;
}

/** Where the pieces lie: X and Q, T and the triangles of all panels, τ, where panels start, and what a panel's products need. */
@unmanaged
export class Pieces {
  /** Rows: the columns of X, then the reflectors. */
  x: usize;
  /** Rows: the columns of Q, as many as there can be. */
  q: usize;
  /** Row k: column k of R from the first row of its panel down to the diagonal. */
  triangles: usize;
  ts: usize;
  tau: usize;
  starts: usize;
  free: usize;
}

/** Bytes of the pieces. */
export function qrScratch(Z: usize, m: i32, n: i32): f64 {
  const matrices = <f64>(n + min(m, n)) * <f64>rowBytes(Z, m);
  return <f64>offsetof<Pieces>() + matrices + 2 * <f64>n * <f64>(BLOCK * Z) + 2 * <f64>rowBytes(8, n) + wyScratch(Z, n, m) + 64;
}

/** Lays the pieces out from `at` on, where their addresses are. */
export function placePieces(Z: usize, m: i32, n: i32, at: usize): Pieces {
  const pieces = changetype<Pieces>(at);
  pieces.x = (at + offsetof<Pieces>() + 15) & ~15;
  pieces.q = pieces.x + <usize>n * rowBytes(Z, m);
  pieces.triangles = pieces.q + <usize>min(m, n) * rowBytes(Z, m);
  pieces.ts = pieces.triangles + <usize>(n * BLOCK) * Z;
  pieces.tau = pieces.ts + <usize>(n * BLOCK) * Z;
  pieces.starts = pieces.tau + rowBytes(8, n);
  pieces.free = pieces.starts + rowBytes(8, n);
  return pieces;
}

/** Rows of X [rows,k] ← X·(I − τ·u·uᵀ); `work`: as many elements as rows. */
function reflectRows(Z: usize, rows: i32, k: i32, u: usize, tau: f64, x: usize, ld: usize, work: usize): void {
  rowsTimes(Z, rows, k, tau, x, ld, u, 0, work, Z);
  subtractOuter(Z, rows, k, work, Z, u, x, ld);
}

/**
 * Thin QR of X [m,n], given as the rows of pieces.x: rows of pieces.q ← the columns of Q, to the end that R has a positive diagonal.
 * A column whose remainder |R_jj| ≤ `threshold` is left out: `slots` holds the row of Q for each column, or −1. Returns the number of rows;
 * or, unless columns may be left out (`defer`), −1 at the first of them.
 */
export function qr(Z: usize, m: i32, n: i32, threshold: f64, defer: bool, slots: usize, pieces: Pieces): i32 {
  const ld = rowBytes(Z, m);
  const ldb = <usize>BLOCK * Z;
  const x = pieces.x, q = pieces.q, triangles = pieces.triangles, ts = pieces.ts, starts = pieces.starts, free = pieces.free;
  const width = panelWidth(n);
  memory.fill(q, 0, <usize>min(m, n) * ld);

  let k = 0;
  let blocks = 0;
  for (let j0 = 0; j0 < n; j0 += width) {
    const end = min(j0 + width, n);
    const before = k;
    const corner = <usize>before * (ld + Z);
    for (let j = j0; j < end; j++) {
      const row = x + j * ld + before * Z;
      const at = <usize>(k - before) * Z;
      const tau = pieces.tau + k * Z;
      const diagonal = k < m ? reflector(Z, m - k - 1, row + at + Z, row + at, tau) : 0;
      store<i32>(slots + (<usize>j << 2), -1);
      if (!(Math.abs(diagonal) > threshold)) {
        if (!defer) return -1;
        continue;
      }
      memory.copy(triangles + k * ldb, row, at);
      set(Z, triangles + k * ldb + at, diagonal);
      memory.fill(row, 0, at);
      // It closes up to the reflectors before it.
      const u = x + k * ld + before * Z;
      if (k < j) memory.copy(u, row, <usize>(m - before) * Z);
      set(Z, q + <usize>k * (ld + Z), diagonal < 0 ? -1 : 1);
      reflectRows(Z, end - j - 1, m - k, u + at, get(Z, tau), row + at + ld, ld, free);
      store<i32>(slots + (<usize>j << 2), k++);
    }
    if (k == before) continue;
    store<i32>(starts + (<usize>blocks << 2), before);
    blocks++;
    formT(Z, k - before, m - before, x + corner, ld, pieces.tau + before * Z, ts + before * ldb, free);
    applyBlock(Z, n - end, k - before, m - before, x + corner, ld, ts + before * ldb, false, x + end * ld + before * Z, ld, free);
  }

  for (let last = k; blocks > 0; ) {
    blocks--;
    const before = load<i32>(starts + (<usize>blocks << 2));
    const corner = <usize>before * (ld + Z);
    applyBlock(Z, k - before, last - before, m - before, x + corner, ld, ts + before * ldb, true, q + corner, ld, free);
    last = before;
  }
  return k;
}

/** R [n,n] of a QR that left no column out, times `backScale`, with elements of size `to`. The reflectors are gone then. */
export function writeR(Z: usize, to: usize, m: i32, n: i32, backScale: f64, r: usize, ldr: usize, pieces: Pieces): void {
  const ld = rowBytes(Z, m);
  const ldb = <usize>BLOCK * Z;
  for (let j = 0; j < n; j++) {
    const row = pieces.x + j * ld;
    const inside = j % panelWidth(n);
    memory.copy(row + <usize>(j - inside) * Z, pieces.triangles + j * ldb, <usize>(inside + 1) * Z);
    memory.fill(row + <usize>(j + 1) * Z, 0, <usize>(n - j - 1) * Z);
  }
  rearrange(Z, to, n, n, backScale, pieces.x, Z, ld, 0, r, ldr, to);
  for (let i = 0; i < n; i++) {
    if (get(to, r + i * (ldr + to)) < 0) scale(to, n - i, -1, r + i * (ldr + to));
  }
}
