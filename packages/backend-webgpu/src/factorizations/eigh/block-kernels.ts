import { notFinite, rootOf, threads, tile } from '../kernel.ts';

const block = tile / 2;

export const scansOf = (n: number): number => Math.min(64, Math.ceil((n * n) / 4096));

/** The sizes, as the binding of this name tells them: the input, the order of the eigenvalues, or a matrix that was padded. */
export function shapeFrom(name: 'X' | 'order' | 'M' | 'L', scanned: boolean): string {
  const length = `arrayLength(&${name}) / batch`;
  const [n, tiles] = {
    X: [`rootOf(${length})`, `(n + ${tile - 1}u) / ${tile}u`],
    order: [length, `(n + ${tile - 1}u) / ${tile}u`],
    M: [`rootOf(${length})`, `n / ${tile}u`],
    L: [`rootOf(${length})`, `n / ${tile}u`],
  }[name];
  return `${rootOf}
struct Shape {
  batch: u32,
  n: u32,
  tiles: u32,
  /** n as it is padded. */
  side: u32,
  /** Parts that were scanned for their largest magnitude. */
  scans: u32,
}

fn shapeOf(batch: u32) -> Shape {
  let n = ${n};
  let tiles = ${tiles};
  return Shape(batch, n, tiles, tiles * ${tile}u, ${scanned ? 'arrayLength(&parts) / batch' : '0u'});
}
`;
}

export const scanModule: string = `
fn scan(s: Shape, matrix: u32, group: u32, t: u32) {
  var bits = 0u;
  for (var e = group * ${threads}u + t; e < s.n * s.n; e += s.scans * ${threads}u) { bits = max(bits, X[matrix * s.n * s.n + e] & 0x7fffffffu); }
  bits = maximumOver(t, bits);
  if (t == 0u) { parts[matrix * s.scans + group] = bits; }
}
`;

const largest = `
fn largest(s: Shape, matrix: u32, t: u32) -> u32 {
  var bits = 0u;
  if (t < s.scans) { bits = parts[matrix * s.scans + t]; }
  return maximumOver(t, bits);
}
`;

/** A ← the symmetric part of X, scaled, or 0 where X is not finite; V ← I, or the counters to the first round. */
export const loadModule = (basis: boolean): string => `${largest}
fn load(s: Shape, matrix: u32, group: u32, t: u32) {
  let bits = largest(s, matrix, t);
  let half = 0.5 * powerOfTwo(bits);
  let base = matrix * s.n * s.n;
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let i = (group / s.tiles) * ${tile}u + e / ${tile}u;
    let j = (group % s.tiles) * ${tile}u + e % ${tile}u;
    let at = (matrix * s.side + i) * s.side + j;
    var x = 0.0;
    if (i < s.n && j < s.n) { x = half * bitcast<f32>(X[base + i * s.n + j]) + half * bitcast<f32>(X[base + j * s.n + i]); }
    if (${notFinite('bits')}) { x = 0.0; }
    A[at] = x;
    ${basis ? 'V[at] = select(0.0, 1.0, i == j);' : ''}
  }
  ${basis ? '' : 'if (group == 0u && t < 3u) { counters[matrix * 3u + t] = 0u; }'}
}
`;

/** C ← LR or LᵀR; with \`newton\` C ← (3L − LR)/2. */
export const productModule = (transpose: boolean, newton: boolean, R: 'L' | 'R'): string => `
var<workgroup> left: array<f32, ${tile * tile}>;
var<workgroup> right: array<f32, ${tile * tile}>;

fn product(s: Shape, matrix: u32, row: u32, column: u32, t: u32) {
  let base = matrix * s.side * s.side;
  let i = (t / 16u) * 2u;
  let j = (t % 16u) * 2u;
  var sum = vec4f();
  for (var k0 = 0u; k0 < s.side; k0 += ${tile}u) {
    for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
      let r = e / ${tile}u;
      let c = e % ${tile}u;
      ${transpose ? `left[c * ${tile}u + r] = L[base + (k0 + r) * s.side + row * ${tile}u + c];` : `left[e] = L[base + (row * ${tile}u + r) * s.side + k0 + c];`}
      right[e] = ${R}[base + (k0 + r) * s.side + column * ${tile}u + c];
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
    let at = base + (row * ${tile}u + i + e / 2u) * s.side + column * ${tile}u + j + e % 2u;
    C[at] = ${newton ? '1.5 * L[at] - 0.5 * sum[e]' : 'sum[e]'};
  }
}
`;

/** Where index e < 32 of a pair stands: in a round every block meets one other. */
export const roundRobin: string = `
fn indexOf(s: Shape, pair: u32, round: u32, e: u32) -> u32 {
  let others = 2u * s.tiles - 1u;
  var p = others;
  if (pair > 0u) { p = (round + pair) % others; }
  let q = (round + others - pair) % others;
  return select(q, p, e < ${block}u) * ${block}u + e % ${block}u;
}
`;

/** Counters of a matrix: the round, once more for those who read it while it changes, and rounds without a rotation. */
export const turnModule: string = `
var<workgroup> idle: u32;

fn turn(s: Shape, matrix: u32, pair: u32, t: u32) {
  let base = matrix * s.side * s.side;
  let round = counters[matrix * 3u];
  if (t == 0u) { idle = counters[matrix * 3u + 2u]; }
  // A whole sweep without a rotation: there is nothing left to do.
  if (workgroupUniformLoad(&idle) >= 2u * s.tiles - 1u) { return; }
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let i = indexOf(s, pair, round, e / ${tile}u);
    let j = indexOf(s, pair, round, e % ${tile}u);
    A[e] = 0.5 * (M[base + i * s.side + j] + M[base + j * s.side + i]);
    V[e] = select(0.0, 1.0, e / ${tile}u == e % ${tile}u);
  }
  workgroupBarrier();
  let turns = offDiagonal(${tile}u, t) > bitcast<u32>(negligible);
  if (t == 0u) { turning[matrix * s.tiles + pair] = select(0u, 1u, turns); }
  // The other counter: this one is read by all workgroups.
  if (pair == 0u && t == 0u) { counters[matrix * 3u + 1u] = round; }
  if (!turns) { return; }
  sweeps(${tile}u, 1u, t);
  polish(${tile}u, t);
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let i = indexOf(s, pair, round, e / ${tile}u);
    let j = indexOf(s, pair, round, e % ${tile}u);
    M[base + i * s.side + j] = A[e];
    J[(matrix * s.tiles + pair) * ${tile * tile}u + e] = V[e];
  }
}
`;

/** M[k, l] ← JₖᵀM[k, l]Jₗ for all pairs k < l, mirrored; V[k, l] ← V[k, l]Jₗ for all tiles k of rows. */
export const applyModule: string = `
var<workgroup> own: array<f32, ${tile * tile}>;
var<workgroup> turned: array<f32, ${tile * tile}>;
var<workgroup> factor: array<f32, ${tile * tile}>;
var<workgroup> turns: vec2u;

fn loadRotation(s: Shape, matrix: u32, pair: u32, turns: bool, t: u32) {
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    factor[e] = select(0.0, 1.0, e / ${tile}u == e % ${tile}u);
    if (turns) { factor[e] = J[(matrix * s.tiles + pair) * ${tile * tile}u + e]; }
  }
  workgroupBarrier();
}

fn apply(s: Shape, matrix: u32, group: u32, l: u32, t: u32) {
  let base = matrix * s.side * s.side;
  let round = counters[matrix * 3u + 1u];
  // The next round, for the dispatch after this one.
  if (group == 0u && l == 0u && t == 0u) {
    counters[matrix * 3u] = (round + 1u) % (2u * s.tiles - 1u);
    var any = 0u;
    for (var pair = 0u; pair < s.tiles; pair++) { any |= turning[matrix * s.tiles + pair]; }
    counters[matrix * 3u + 2u] = select(counters[matrix * 3u + 2u] + 1u, 0u, any != 0u);
  }
  let basis = group >= s.tiles;
  let k = group % s.tiles;
  if (!basis && k >= l) { return; }
  if (t == 0u) { turns = vec2u(turning[matrix * s.tiles + k], turning[matrix * s.tiles + l]); }
  let both = workgroupUniformLoad(&turns);
  let turnsK = !basis && both.x != 0u;
  let turnsL = both.y != 0u;
  if (!turnsK && !turnsL) { return; }
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let j = indexOf(s, l, round, e % ${tile}u);
    if (basis) {
      own[e] = V[base + (k * ${tile}u + e / ${tile}u) * s.side + j];
    } else {
      own[e] = M[base + indexOf(s, k, round, e / ${tile}u) * s.side + j];
    }
  }
  loadRotation(s, matrix, l, turnsL, t);
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    var sum = 0.0;
    for (var i = 0u; i < ${tile}u; i++) { sum += own[(e / ${tile}u) * ${tile}u + i] * factor[i * ${tile}u + e % ${tile}u]; }
    turned[e] = sum;
  }
  workgroupBarrier();
  if (basis) {
    for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
      V[base + (k * ${tile}u + e / ${tile}u) * s.side + indexOf(s, l, round, e % ${tile}u)] = turned[e];
    }
    return;
  }
  loadRotation(s, matrix, k, turnsK, t);
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    var sum = 0.0;
    for (var i = 0u; i < ${tile}u; i++) { sum += factor[i * ${tile}u + e / ${tile}u] * turned[i * ${tile}u + e % ${tile}u]; }
    let i = indexOf(s, k, round, e / ${tile}u);
    let j = indexOf(s, l, round, e % ${tile}u);
    M[base + i * s.side + j] = sum;
    M[base + j * s.side + i] = sum;
  }
}
`;

/** Eigenvalues in ascending order, equal ones as they stand; order[i] is where eigenvector i goes. */
export const orderModule: string = `${largest}
fn rank(s: Shape, matrix: u32, group: u32, t: u32) {
  let base = matrix * s.side * s.side;
  let bits = largest(s, matrix, t);
  let i = group * ${threads}u + t;
  if (i >= s.n) { return; }
  let own = M[base + i * (s.side + 1u)];
  var at = 0u;
  for (var j = 0u; j < s.n; j++) {
    let other = M[base + j * (s.side + 1u)];
    at += select(0u, 1u, other < own || (other == own && j < i));
  }
  order[matrix * s.n + i] = at;
  var value = own / powerOfTwo(bits);
  if (${notFinite('bits')}) { value = bitcast<f32>(bits | 0x7fc00000u); }
  Y[matrix * s.n + at] = value;
}
`;

export const writeModule: string = `${largest}
fn write(s: Shape, matrix: u32, group: u32, t: u32) {
  let bits = largest(s, matrix, t);
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let i = (group / s.tiles) * ${tile}u + e / ${tile}u;
    let j = (group % s.tiles) * ${tile}u + e % ${tile}u;
    if (i >= s.n || j >= s.n) { continue; }
    var x = V[(matrix * s.side + i) * s.side + j];
    if (${notFinite('bits')}) { x = bitcast<f32>(bits | 0x7fc00000u); }
    Y[s.batch * s.n + (matrix * s.n + i) * s.n + order[matrix * s.n + j]] = x;
  }
}
`;
