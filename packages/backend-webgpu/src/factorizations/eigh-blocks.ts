import type { Dispatch, Place } from '../dispatch.ts';
import { jacobi } from './jacobi.ts';
import { bound, kernel, notFinite, powerOfTwo, reciprocalRoot, reductions, threads, tile, tilesOf } from './kernel.ts';

/** Sweeps before and after the basis found is made orthogonal and the matrix is taken into it afresh. */
const sweeps = [9, 3] as const;

const block = tile / 2;

/** f32 elements of: partial maxima, counters, matrix, basis, product, rotations, whether a pair turns, order of the eigenvalues. */
export const scratchOfBlocks = (n: number, batch: number): number[] => {
  const padded = tilesOf(n) * tile;
  const matrix = batch * padded * padded;
  return [batch * scansOf(n), batch * 2, matrix, matrix, matrix, batch * padded * tile, batch * tilesOf(n), batch * n];
};

const scansOf = (n: number): number => Math.min(64, Math.ceil((n * n) / 4096));

/**
 * Eigenvalues and eigenvectors by block Jacobi: in a round every block of 16 indices meets one other (round robin); a workgroup
 * diagonalises the 32 × 32 matrix of each pair, then the rotations are applied to all the others. Pairs with nothing to annihilate
 * are passed over, by a flag on the device, so that the dispatches depend on the size alone. After the last sweep the basis is made
 * orthogonal (Newton–Schulz), the matrix taken into it afresh, and a few sweeps more remove what rounding had added up to.
 */
export function eighBlocks(n: number, batch: number, input: Place, output: Place, scratch: readonly Place[]): Dispatch[] {
  const [parts, counters, first, second, third, rotations, turning, order] = scratch;
  if (
    parts === undefined ||
    counters === undefined ||
    first === undefined ||
    second === undefined ||
    third === undefined ||
    rotations === undefined ||
    turning === undefined ||
    order === undefined
  )
    return [];
  const tiles = tilesOf(n);
  const base = shared(n, batch);
  const load = (basis: boolean, A: Place, V: Place): Dispatch =>
    kernel(
      `eigh ${n}: load`,
      [
        bound('X', 'u32', input),
        bound('parts', 'u32', parts),
        bound('A', 'f32', A),
        bound(basis ? 'V' : 'counters', basis ? 'f32' : 'u32', V),
      ],
      `${base}${reductions}${powerOfTwo}${loadModule(basis)}`,
      `  load(matrix, group.x, t);`,
      tiles * tiles,
      batch,
    );
  const multiply = (transpose: boolean, newton: boolean, left: Place, right: Place, result: Place): Dispatch =>
    kernel(
      `eigh ${n}: product`,
      [bound('L', 'f32', left), ...(left === right ? [] : [bound('R', 'f32', right)]), bound('C', 'f32', result)],
      `${base}${productModule(transpose, newton, left === right ? 'L' : 'R')}`,
      `  product(matrix, group.x / ${tiles}u, group.x % ${tiles}u, t);`,
      tiles * tiles,
      batch,
    );
  const sweep = (A: Place, V: Place): Dispatch[] => {
    const turn = kernel(
      `eigh ${n}: rotations`,
      [bound('M', 'f32', A), bound('J', 'f32', rotations), bound('turning', 'u32', turning), bound('counters', 'u32', counters)],
      `${base}${reductions}${reciprocalRoot}${jacobi(tile)}${roundRobin}${turnModule}`,
      `  turn(matrix, group.x, t);`,
      tiles,
      batch,
    );
    const apply = kernel(
      `eigh ${n}: apply`,
      [
        bound('M', 'f32', A),
        bound('V', 'f32', V),
        bound('J', 'f32', rotations),
        bound('turning', 'u32', turning),
        bound('counters', 'u32', counters),
      ],
      `${base}${roundRobin}${applyModule}`,
      `  apply(matrix, group.x / ${tiles}u, group.x % ${tiles}u, t);`,
      2 * tiles * tiles,
      batch,
    );
    return Array.from({ length: 2 * tiles - 1 }, () => [turn, apply]).flat();
  };
  const repeated = (times: number, one: Dispatch[]): Dispatch[] => Array.from({ length: times }, () => one).flat();
  return [
    kernel(
      `eigh ${n}: scan`,
      [bound('X', 'u32', input), bound('parts', 'u32', parts)],
      `${base}${reductions}${scanModule}`,
      `  scan(matrix, group.x, t);`,
      scansOf(n),
      batch,
    ),
    load(true, first, second),
    load(false, first, counters),
    ...repeated(sweeps[0], sweep(first, second)),
    // The basis V in `second` becomes V(3I − VᵀV)/2 in `first`; then A lies in `second`, AV in `third`, VᵀAV in `second`.
    multiply(true, false, second, second, third),
    multiply(false, true, second, third, first),
    load(false, second, counters),
    multiply(false, false, second, first, third),
    multiply(true, false, first, third, second),
    ...repeated(sweeps[1], sweep(second, first)),
    multiply(true, false, first, first, third),
    kernel(
      `eigh ${n}: order`,
      [bound('M', 'f32', second), bound('parts', 'u32', parts), bound('order', 'u32', order), bound('Y', 'f32', output)],
      `${base}${reductions}${powerOfTwo}${orderModule}`,
      `  rank(matrix, group.x, t);`,
      Math.ceil(n / threads),
      batch,
    ),
    // The last Newton–Schulz step writes into the matrix's place.
    multiply(false, true, first, third, second),
    kernel(
      `eigh ${n}: write`,
      [bound('V', 'f32', second), bound('parts', 'u32', parts), bound('order', 'u32', order), bound('Y', 'f32', output)],
      `${base}${reductions}${writeModule}`,
      `  write(matrix, group.x, t);`,
      tiles * tiles,
      batch,
    ),
  ];
}

const shared = (n: number, batch: number): string => `
const n = ${n}u;
const batch = ${batch}u;
const tiles = ${tilesOf(n)}u;
const side = ${tilesOf(n) * tile}u;
const scans = ${scansOf(n)}u;
`;

const scanModule = `
fn scan(matrix: u32, group: u32, t: u32) {
  var bits = 0u;
  for (var e = group * ${threads}u + t; e < n * n; e += scans * ${threads}u) { bits = max(bits, X[matrix * n * n + e] & 0x7fffffffu); }
  bits = maximumOver(t, bits);
  if (t == 0u) { parts[matrix * scans + group] = bits; }
}
`;

const largest = `
fn largest(matrix: u32, t: u32) -> u32 {
  var bits = 0u;
  if (t < scans) { bits = parts[matrix * scans + t]; }
  return maximumOver(t, bits);
}
`;

/** A ← the symmetric part of X, scaled, or 0 where X is not finite; V ← I, or the counters to the first round. */
const loadModule = (basis: boolean): string => `${largest}
fn load(matrix: u32, group: u32, t: u32) {
  let bits = largest(matrix, t);
  let half = 0.5 * powerOfTwo(bits);
  let base = matrix * n * n;
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let i = (group / tiles) * ${tile}u + e / ${tile}u;
    let j = (group % tiles) * ${tile}u + e % ${tile}u;
    let at = (matrix * side + i) * side + j;
    var x = 0.0;
    if (i < n && j < n) { x = half * bitcast<f32>(X[base + i * n + j]) + half * bitcast<f32>(X[base + j * n + i]); }
    if (${notFinite('bits')}) { x = 0.0; }
    A[at] = x;
    ${basis ? 'V[at] = select(0.0, 1.0, i == j);' : ''}
  }
  ${basis ? '' : 'if (group == 0u && t < 2u) { counters[matrix * 2u + t] = 0u; }'}
}
`;

/** C ← LR or LᵀR; with \`newton\` C ← (3L − LR)/2. */
const productModule = (transpose: boolean, newton: boolean, R: 'L' | 'R'): string => `
var<workgroup> left: array<f32, ${tile * tile}>;
var<workgroup> right: array<f32, ${tile * tile}>;

fn product(matrix: u32, row: u32, column: u32, t: u32) {
  let base = matrix * side * side;
  let i = (t / 16u) * 2u;
  let j = (t % 16u) * 2u;
  var sum = vec4f();
  for (var k0 = 0u; k0 < side; k0 += ${tile}u) {
    for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
      let r = e / ${tile}u;
      let c = e % ${tile}u;
      ${transpose ? `left[c * ${tile}u + r] = L[base + (k0 + r) * side + row * ${tile}u + c];` : `left[e] = L[base + (row * ${tile}u + r) * side + k0 + c];`}
      right[e] = ${R}[base + (k0 + r) * side + column * ${tile}u + c];
    }
    workgroupBarrier();
    var part = vec4f();
    for (var k = 0u; k < ${tile}u; k++) {
      let both = vec2f(right[k * ${tile}u + j], right[k * ${tile}u + j + 1u]);
      part += vec4f(left[i * ${tile}u + k] * both, left[(i + 1u) * ${tile}u + k] * both);
    }
    sum += part;
    workgroupBarrier();
  }
  for (var e = 0u; e < 4u; e++) {
    let at = base + (row * ${tile}u + i + e / 2u) * side + column * ${tile}u + j + e % 2u;
    C[at] = ${newton ? '1.5 * L[at] - 0.5 * sum[e]' : 'sum[e]'};
  }
}
`;

/** Where index e < 32 of a pair stands: in a round every block meets one other. */
const roundRobin = `
fn indexOf(pair: u32, round: u32, e: u32) -> u32 {
  let others = 2u * tiles - 1u;
  var p = others;
  if (pair > 0u) { p = (round + pair) % others; }
  let q = (round + others - pair) % others;
  return select(q, p, e < ${block}u) * ${block}u + e % ${block}u;
}
`;

const turnModule = `
fn turn(matrix: u32, pair: u32, t: u32) {
  let base = matrix * side * side;
  let round = counters[matrix * 2u];
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let i = indexOf(pair, round, e / ${tile}u);
    let j = indexOf(pair, round, e % ${tile}u);
    A[e] = 0.5 * (M[base + i * side + j] + M[base + j * side + i]);
    V[e] = select(0.0, 1.0, e / ${tile}u == e % ${tile}u);
  }
  workgroupBarrier();
  let turns = offDiagonal(t) > bitcast<u32>(negligible);
  if (t == 0u) { turning[matrix * tiles + pair] = select(0u, 1u, turns); }
  // The other counter: this one is read by all workgroups.
  if (pair == 0u && t == 0u) { counters[matrix * 2u + 1u] = round; }
  if (!turns) { return; }
  sweeps(1u, t);
  polish(t);
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let i = indexOf(pair, round, e / ${tile}u);
    let j = indexOf(pair, round, e % ${tile}u);
    M[base + i * side + j] = A[e];
    J[(matrix * tiles + pair) * ${tile * tile}u + e] = V[e];
  }
}
`;

/** M[k, l] ← JₖᵀM[k, l]Jₗ for all pairs k < l, mirrored; V[k, l] ← V[k, l]Jₗ for all tiles k of rows. */
const applyModule = `
var<workgroup> own: array<f32, ${tile * tile}>;
var<workgroup> turned: array<f32, ${tile * tile}>;
var<workgroup> factor: array<f32, ${tile * tile}>;
var<workgroup> turns: vec2u;

fn loadRotation(matrix: u32, pair: u32, turns: bool, t: u32) {
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    factor[e] = select(0.0, 1.0, e / ${tile}u == e % ${tile}u);
    if (turns) { factor[e] = J[(matrix * tiles + pair) * ${tile * tile}u + e]; }
  }
  workgroupBarrier();
}

fn apply(matrix: u32, group: u32, l: u32, t: u32) {
  let base = matrix * side * side;
  let round = counters[matrix * 2u + 1u];
  // The next round, for the dispatch after this one.
  if (group == 0u && l == 0u && t == 0u) { counters[matrix * 2u] = (round + 1u) % (2u * tiles - 1u); }
  let basis = group >= tiles;
  let k = group % tiles;
  if (!basis && k >= l) { return; }
  if (t == 0u) { turns = vec2u(turning[matrix * tiles + k], turning[matrix * tiles + l]); }
  let both = workgroupUniformLoad(&turns);
  let turnsK = !basis && both.x != 0u;
  let turnsL = both.y != 0u;
  if (!turnsK && !turnsL) { return; }
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let j = indexOf(l, round, e % ${tile}u);
    if (basis) {
      own[e] = V[base + (k * ${tile}u + e / ${tile}u) * side + j];
    } else {
      own[e] = M[base + indexOf(k, round, e / ${tile}u) * side + j];
    }
  }
  loadRotation(matrix, l, turnsL, t);
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    var sum = 0.0;
    for (var i = 0u; i < ${tile}u; i++) { sum += own[(e / ${tile}u) * ${tile}u + i] * factor[i * ${tile}u + e % ${tile}u]; }
    turned[e] = sum;
  }
  workgroupBarrier();
  if (basis) {
    for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
      V[base + (k * ${tile}u + e / ${tile}u) * side + indexOf(l, round, e % ${tile}u)] = turned[e];
    }
    return;
  }
  loadRotation(matrix, k, turnsK, t);
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    var sum = 0.0;
    for (var i = 0u; i < ${tile}u; i++) { sum += factor[i * ${tile}u + e / ${tile}u] * turned[i * ${tile}u + e % ${tile}u]; }
    let i = indexOf(k, round, e / ${tile}u);
    let j = indexOf(l, round, e % ${tile}u);
    M[base + i * side + j] = sum;
    M[base + j * side + i] = sum;
  }
}
`;

/** Eigenvalues in ascending order, equal ones as they stand; order[i] is where eigenvector i goes. */
const orderModule = `${largest}
fn rank(matrix: u32, group: u32, t: u32) {
  let base = matrix * side * side;
  let bits = largest(matrix, t);
  let i = group * ${threads}u + t;
  if (i >= n) { return; }
  let own = M[base + i * (side + 1u)];
  var at = 0u;
  for (var j = 0u; j < n; j++) {
    let other = M[base + j * (side + 1u)];
    at += select(0u, 1u, other < own || (other == own && j < i));
  }
  order[matrix * n + i] = at;
  var value = own / powerOfTwo(bits);
  if (${notFinite('bits')}) { value = bitcast<f32>(bits | 0x7fc00000u); }
  Y[matrix * n + at] = value;
}
`;

const writeModule = `${largest}
fn write(matrix: u32, group: u32, t: u32) {
  let bits = largest(matrix, t);
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let i = (group / tiles) * ${tile}u + e / ${tile}u;
    let j = (group % tiles) * ${tile}u + e % ${tile}u;
    if (i >= n || j >= n) { continue; }
    var x = V[(matrix * side + i) * side + j];
    if (${notFinite('bits')}) { x = bitcast<f32>(bits | 0x7fc00000u); }
    Y[batch * n + (matrix * n + i) * n + order[matrix * n + j]] = x;
  }
}
`;
