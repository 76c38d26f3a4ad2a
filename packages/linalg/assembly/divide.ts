// Divide and conquer for the symmetric tridiagonal eigenproblem (Cuppen; deflation and orthogonality after Gu & Eisenstat 1995).
//
// T = diag(T1, T2) + ρ·b·bᵀ. With both halves solved the problem is D + z·zᵀ; entries that hardly couple are deflated, the rest go
// through the secular equation, and the eigenvectors are products of matrices. Eigenvectors are rows here.
import { get, set } from './element';
import { FULL, gemm, gemmScratch } from './gemm';
import { ql } from './ql';
import { flush, refineWeights, secularRoot, secularVector } from './secular';

/** Problems up to this size go to QL. */
export const LEAF: i32 = 16;

/** What the recursion shares: addresses of arrays of n, and of three matrices with rows of `ld` bytes. */
@unmanaged
export class Workspace {
  /** d, e: the tridiagonal matrix; d becomes the eigenvalues. */
  d: usize;
  e: usize;
  /** Rows: eigenvectors. Must be zero at the start. */
  z: usize;
  /** Rows taken out of z for the product; coefficients of the product. */
  gathered: usize;
  coefficients: usize;
  ld: usize;
  /** perm: rank → row, per solved range, relative to its start. */
  perm: usize;
  poles: usize;
  weights: usize;
  etas: usize;
  work: usize;
  groupedPoles: usize;
  groupedWeights: usize;
  order: usize;
  rows: usize;
  kinds: usize;
  origins: usize;
  places: usize;
  scratch: usize;
}

/** Bytes of the arrays above (not d, e and the matrices), with what QL and the products need. */
export function divideScratch(Z: usize, n: i32): f64 {
  const leaf = <f64>(LEAF * LEAF * 8 + LEAF * 16);
  return <f64>(n + 1) * (6 * 8 + 6 * 4) + max<f64>(leaf, gemmScratch(Z, n, n, n)) + 256;
}

/** Lays the arrays out from `at` on. */
export function place(workspace: Workspace, n: i32, at: usize): void {
  const doubles = <usize>((n + 1) & ~1) << 3;
  const integers = (<usize>n << 2);
  at = (at + 15) & ~15;
  workspace.poles = at;
  workspace.weights = at + doubles;
  workspace.etas = at + 2 * doubles;
  workspace.work = at + 3 * doubles;
  workspace.groupedPoles = at + 4 * doubles;
  workspace.groupedWeights = at + 5 * doubles;
  at += 6 * doubles;
  workspace.perm = at;
  workspace.order = at + integers;
  workspace.rows = at + 2 * integers;
  workspace.kinds = at + 3 * integers;
  workspace.origins = at + 4 * integers;
  workspace.places = at + 5 * integers;
  workspace.scratch = (at + 6 * integers + 15) & ~15;
}

// @ts-ignore: decorator
@inline
function f64At(base: usize, i: i32): f64 {
  return load<f64>(base + (<usize>i << 3));
}

// @ts-ignore: decorator
@inline
function setF64(base: usize, i: i32, value: f64): void {
  store<f64>(base + (<usize>i << 3), value);
}

// @ts-ignore: decorator
@inline
function i32At(base: usize, i: i32): i32 {
  return load<i32>(base + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function setI32(base: usize, i: i32, value: i32): void {
  store<i32>(base + (<usize>i << 2), value);
}

/** Sorts `count` indices by the value they point at; nearly sorted input is the usual case. */
function insertionSort(count: i32, indices: usize, values: usize): void {
  for (let i = 1; i < count; i++) {
    const index = i32At(indices, i);
    const value = f64At(values, index);
    let j = i - 1;
    for (; j >= 0 && f64At(values, i32At(indices, j)) > value; j--) setI32(indices, j + 1, i32At(indices, j));
    setI32(indices, j + 1, index);
  }
}

/** out ← the two ascending index lists merged by value. */
function mergeSorted(n1: i32, first: usize, n2: i32, second: usize, offset: i32, values: usize, out: usize): void {
  let i = 0, j = 0;
  for (let t = 0; t < n1 + n2; t++) {
    const takeFirst = j == n2 || (i < n1 && f64At(values, i32At(first, i)) <= f64At(values, i32At(second, j) + offset));
    if (takeFirst) setI32(out, t, i32At(first, i++));
    else setI32(out, t, i32At(second, j++) + offset);
  }
}

/** Rows x, y of n elements ← (c·x + s·y, c·y − s·x). */
function rotate<T>(n: i32, x: usize, y: usize, c: T, s: T): void {
  for (let j = 0; j < n; j++) {
    const a = load<T>(x), b = load<T>(y);
    store<T>(x, c * a + s * b);
    store<T>(y, c * b - s * a);
    x += sizeof<T>();
    y += sizeof<T>();
  }
}

function leaf(Z: usize, workspace: Workspace, lo: i32, n: i32, floor: f64): bool {
  const d = workspace.d + (<usize>lo << 3);
  const perm = workspace.perm + (<usize>lo << 2);
  const columns = (n + 7) & ~7;
  const ldq = <usize>columns << 3;
  const q = workspace.scratch;
  const epsilon = Z == 8 ? 1.1e-16 : 1e-10;
  if (!ql(n, d, workspace.e + (<usize>lo << 3), epsilon, floor, q, ldq, q + <usize>n * ldq)) return false;
  for (let i = 0; i < n; i++) {
    setI32(perm, i, i);
    const to = workspace.z + <usize>(lo + i) * workspace.ld + <usize>lo * Z;
    for (let j = 0; j < n; j++) set(Z, to + j * Z, flush(Z, f64At(q + i * ldq, j)));
  }
  insertionSort(n, perm, d);
  return true;
}

/**
 * Solves rows lo … lo+n−1. `floor`: absolute size of a negligible subdiagonal element. After it d[lo + perm[lo + r]] is the r-th smallest
 * eigenvalue, its eigenvector row lo + perm[lo + r] of z. Returns false if QL did not converge.
 */
export function divide(Z: usize, workspace: Workspace, lo: i32, n: i32, floor: f64): bool {
  if (n <= LEAF) return leaf(Z, workspace, lo, n, floor);
  const n1 = n >> 1;
  const n2 = n - n1;
  const mid = lo + n1;
  const coupling = f64At(workspace.e, mid);
  const size = Math.abs(coupling);
  setF64(workspace.d, mid - 1, f64At(workspace.d, mid - 1) - size);
  setF64(workspace.d, mid, f64At(workspace.d, mid) - size);
  setF64(workspace.e, mid, 0);
  if (!divide(Z, workspace, lo, n1, floor) || !divide(Z, workspace, mid, n2, floor)) return false;
  conquer(Z, workspace, lo, n1, n2, coupling);
  return true;
}

function conquer(Z: usize, workspace: Workspace, lo: i32, n1: i32, n2: i32, coupling: f64): void {
  const n = n1 + n2;
  const ld = workspace.ld;
  const d = workspace.d + (<usize>lo << 3);
  const perm = workspace.perm + (<usize>lo << 2);
  const z = workspace.z + <usize>lo * ld + <usize>lo * Z;
  const rows = workspace.rows, kinds = workspace.kinds, order = workspace.order, places = workspace.places;
  const poles = workspace.poles, weights = workspace.weights, etas = workspace.etas, origins = workspace.origins;

  // z vector of the update, scaled so that the update is z·zᵀ: last components of the first half, first ones of the second.
  const vector = workspace.work;
  const root = Math.sqrt(Math.abs(coupling));
  let largest: f64 = 0;
  let dmax: f64 = 0;
  for (let i = 0; i < n; i++) {
    const first = i < n1;
    const component = get(Z, z + i * ld + <usize>(first ? n1 - 1 : n1) * Z);
    const value = first || coupling > 0 ? root * component : -root * component;
    setF64(vector, i, value);
    largest = Math.max(largest, Math.abs(value));
    dmax = Math.max(dmax, Math.abs(f64At(d, i)));
    setI32(kinds, i, first ? 0 : 2);
  }
  mergeSorted(n1, perm, n2, perm + (<usize>n1 << 2), n1, d, order);
  const norm = root * Math.SQRT2;
  const epsilon: f64 = Z == 8 ? 1.1e-16 : 6e-8;
  const tolerance = 8 * epsilon * Math.max(dmax, norm * norm);

  // Deflation: `rows` takes the kept rows from the front (k) and the deflated ones from the back.
  let k = 0;
  let back = n;
  let previous = -1;
  for (let t = 0; t < n; t++) {
    const row = i32At(order, t);
    const zn = f64At(vector, row);
    if (norm * Math.abs(zn) <= tolerance) {
      setI32(rows, --back, row);
      continue;
    }
    if (previous >= 0) {
      const zp = f64At(vector, previous);
      const length = Math.sqrt(zp * zp + zn * zn);
      const c = zn / length, s = -zp / length;
      const dp = f64At(d, previous), dn = f64At(d, row);
      if (Math.abs((dn - dp) * c * s) <= tolerance) {
        setF64(vector, row, length);
        setF64(d, previous, dp * c * c + dn * s * s);
        setF64(d, row, dp * s * s + dn * c * c);
        if (Z == 4) rotate<f32>(n, z + previous * ld, z + row * ld, <f32>c, <f32>s);
        else rotate<f64>(n, z + previous * ld, z + row * ld, c, s);
        if (i32At(kinds, previous) != i32At(kinds, row)) setI32(kinds, row, 1);
        setI32(rows, --back, previous);
      } else setI32(rows, k++, previous);
    }
    previous = row;
  }
  if (previous >= 0) setI32(rows, k++, previous);

  // Kept rows are grouped by where they are nonzero: left half, both, right half.
  let left = 0, both = 0;
  for (let j = 0; j < k; j++) {
    const kind = i32At(kinds, i32At(rows, j));
    if (kind == 0) left++;
    else if (kind == 1) both++;
  }
  let at0 = 0, at1 = left, at2 = left + both;
  const gathered = workspace.gathered;
  const width = <usize>n * Z;
  for (let j = 0; j < k; j++) {
    const row = i32At(rows, j);
    const kind = i32At(kinds, row);
    const to = kind == 0 ? at0++ : kind == 1 ? at1++ : at2++;
    setI32(places, j, to);
    setF64(poles, j, f64At(d, row));
    setF64(weights, j, f64At(vector, row));
    memory.copy(gathered + to * ld, z + row * ld, width);
  }
  // Deflated rows go behind the others, in ascending order; `vector` is free from here on and carries their eigenvalues.
  for (let j = k; j < n; j++) {
    const row = i32At(rows, n - 1 - (j - k));
    setF64(vector, j, f64At(d, row));
    memory.copy(gathered + j * ld, z + row * ld, width);
  }
  for (let j = k; j < n; j++) {
    setF64(d, j, f64At(vector, j));
    memory.copy(z + j * ld, gathered + j * ld, width);
    setI32(rows, j, j);
  }

  const accuracy: f64 = Z == 8 ? 2.2e-16 : 1e-11;
  for (let i = 0; i < k; i++) {
    const origin = secularRoot(i, k, poles, weights, accuracy, etas + (<usize>i << 3));
    setI32(origins, i, origin);
    setF64(d, i, f64At(poles, origin) + f64At(etas, i));
    setI32(order, i, i);
  }
  if (k > 0) {
    refineWeights(k, poles, weights, origins, etas, workspace.work);
    const coefficients = workspace.coefficients;
    // Poles and weights in the order of the gathered rows.
    const groupedPoles = workspace.groupedPoles, groupedWeights = workspace.groupedWeights;
    for (let j = 0; j < k; j++) {
      setF64(groupedPoles, i32At(places, j), f64At(poles, j));
      setF64(groupedWeights, i32At(places, j), f64At(weights, j));
    }
    for (let i = 0; i < k; i++) {
      const origin = f64At(poles, i32At(origins, i));
      secularVector(Z, k, groupedPoles, groupedWeights, origin, f64At(etas, i), coefficients + i * ld, workspace.work);
    }
    const top = left + both, bottom = k - left;
    gemm(Z, k, n1, top, 1, coefficients, ld, false, gathered, ld, false, 0, z, ld, FULL, workspace.scratch);
    gemm(
      Z, k, n2, bottom, 1, coefficients + <usize>left * Z, ld, false, gathered + left * ld + <usize>n1 * Z, ld, false,
      0, z + <usize>n1 * Z, ld, FULL, workspace.scratch,
    );
  }
  // Secular roots ascend; the deflated ones nearly do.
  insertionSort(n - k, rows + (<usize>k << 2), d);
  mergeSorted(k, order, n - k, rows + (<usize>k << 2), 0, d, perm);
}
