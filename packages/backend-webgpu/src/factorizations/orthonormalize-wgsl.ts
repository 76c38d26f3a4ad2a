import { notFinite, powerOfTwo, reciprocalRoot, reductions, threads, tile } from './kernel.ts';
import type { OrthonormalizeSize } from './orthonormalize.ts';

const lanes = threads / tile;

/** The functions of which the dispatches are made, those whose bindings are at hand. */
export const orthonormalizeModule = (size: OrthonormalizeSize, scanned: number): ((names: readonly string[]) => string) => {
  const functions = [
    { needs: [], wgsl: shared(size, scanned) },
    { needs: ['X', 'parts'], wgsl: scan },
    { needs: ['state'], wgsl: state },
    { needs: ['X', 'parts', 'state', 'Q'], wgsl: load },
    { needs: ['Q', 'state'], wgsl: panel(size) },
    { needs: ['Q', 'C', 'state'], wgsl: outside },
    { needs: ['Q', 'state', 'room'], wgsl: measureRoom },
    { needs: ['Q', 'C', 'state', 'room'], wgsl: refill },
  ];
  return (names) => functions.flatMap(({ needs, wgsl }) => (needs.every((name) => names.includes(name)) ? [wgsl] : [])).join('');
};

const shared = ({ rows, columns }: OrthonormalizeSize, scanned: number): string => `
const rows = ${rows}u;
const columns = ${columns}u;
const scanned = ${scanned}u;
// A matrix's state: bits of its largest magnitude, the panel at work, how many columns are accepted, how many of this panel are
// refilled; the squared norm of every column; whether it is deferred.
const PANEL = 1u;
const ACCEPTED = 2u;
const REFILLED = 3u;
const NORMS = 4u;
const DEFERRED = ${4 + columns}u;
const stateSize = ${4 + 2 * columns}u;
${reductions}${reciprocalRoot}${powerOfTwo}
var<workgroup> dots: array<f32, ${tile}>;
var<workgroup> left: array<f32, ${tile * tile}>;
var<workgroup> right: array<f32, ${tile * tile}>;
var<workgroup> announced: u32;

/** What invocations have written can be read by the others. */
fn settle() {
  storageBarrier();
  workgroupBarrier();
}
`;

const scan = `
fn scan(matrix: u32, group: u32, t: u32) {
  var bits = 0u;
  for (var e = group * ${threads}u + t; e < rows * columns; e += scanned * ${threads}u) {
    bits = max(bits, X[matrix * rows * columns + e] & 0x7fffffffu);
  }
  bits = maximumOver(t, bits);
  if (t == 0u) { parts[matrix * scanned + group] = bits; }
  settle();
}
`;

const state = `
fn stateAt(matrix: u32, slot: u32, t: u32) -> u32 {
  if (t == 0u) { announced = state[matrix * stateSize + slot]; }
  return workgroupUniformLoad(&announced);
}
`;

/** Q ← X, scaled to a largest magnitude of about 1, or 0 where X is not finite; norms of the columns. */
const load = `
fn load(matrix: u32, group: u32, t: u32) {
  var bits = 0u;
  for (var i = t; i < scanned; i += ${threads}u) { bits = max(bits, parts[matrix * scanned + i]); }
  bits = maximumOver(t, bits);
  let scale = powerOfTwo(bits);
  let j = group * ${tile}u + t % ${tile}u;
  var sum = 0.0;
  if (j < columns) {
    for (var start = t / ${tile}u; start < rows; start += ${threads}u) {
      var part = 0.0;
      for (var r = start; r < min(start + ${threads}u, rows); r += ${lanes}u) {
        let at = matrix * rows * columns + r * columns + j;
        var x = bitcast<f32>(X[at]) * scale;
        if (${notFinite('bits')}) { x = 0.0; }
        Q[at] = x;
        part += x * x;
      }
      sum += part;
    }
  }
  floatLanes[t] = sum;
  workgroupBarrier();
  if (t < ${tile}u && j < columns) {
    var total = 0.0;
    for (var lane = 0u; lane < ${lanes}u; lane++) { total += floatLanes[lane * ${tile}u + t]; }
    state[matrix * stateSize + NORMS + j] = bitcast<u32>(total);
  }
  if (group == 0u && t < NORMS) { state[matrix * stateSize + t] = select(0u, bits, t == 0u); }
  settle();
}
`;

/** What one workgroup does with the columns of one panel. */
const panel = ({ tolerance }: OrthonormalizeSize): string => `
fn widthOf(j0: u32) -> u32 { return min(${tile}u, columns - j0); }

/** Column j of the panel loses its parts along those before it; a refilled one along every one that was accepted, too. */
fn cleanInPanel(matrix: u32, j0: u32, j: u32, refilled: bool, t: u32) {
  let base = matrix * rows * columns + j0;
  let limit = select(j, widthOf(j0), refilled);
  let c = t % ${tile}u;
  var sum = 0.0;
  if (c < limit && c != j && (c < j || state[matrix * stateSize + DEFERRED + j0 + c] == 0u)) {
    for (var start = t / ${tile}u; start < rows; start += ${threads}u) {
      var part = 0.0;
      for (var r = start; r < min(start + ${threads}u, rows); r += ${lanes}u) {
        part += Q[base + r * columns + c] * Q[base + r * columns + j];
      }
      sum += part;
    }
  }
  floatLanes[t] = sum;
  workgroupBarrier();
  if (t < ${tile}u) {
    var total = 0.0;
    for (var lane = 0u; lane < ${lanes}u; lane++) { total += floatLanes[lane * ${tile}u + t]; }
    dots[t] = total;
  }
  workgroupBarrier();
  for (var r = t; r < rows; r += ${threads}u) {
    var x = Q[base + r * columns + j];
    for (var k = 0u; k < limit; k++) { x -= dots[k] * Q[base + r * columns + k]; }
    Q[base + r * columns + j] = x;
  }
  settle();
}

fn squaredNorm(matrix: u32, j: u32, t: u32) -> f32 {
  var sum = 0.0;
  for (var r = t; r < rows; r += ${threads}u) {
    let x = Q[matrix * rows * columns + r * columns + j];
    sum += x * x;
  }
  return sumOver(t, sum);
}

fn scaleColumn(matrix: u32, j: u32, factor: f32, t: u32) {
  for (var r = t; r < rows; r += ${threads}u) { Q[matrix * rows * columns + r * columns + j] *= factor; }
  settle();
}

fn normalise(matrix: u32, j: u32, t: u32) {
  scaleColumn(matrix, j, reciprocalRoot(squaredNorm(matrix, j, t)), t);
}

fn accept(matrix: u32, t: u32) {
  let at = matrix * stateSize;
  let j0 = stateAt(matrix, PANEL, t) * ${tile}u;
  var longest = 0u;
  for (var j = t; j < columns; j += ${threads}u) { longest = max(longest, state[at + NORMS + j]); }
  let threshold = bitcast<f32>(maximumOver(t, longest)) * ${literal(tolerance ** 2)};
  var accepted = stateAt(matrix, ACCEPTED, t);
  for (var j = 0u; j < widthOf(j0); j++) {
    cleanInPanel(matrix, j0, j, false, t);
    cleanInPanel(matrix, j0, j, false, t);
    let square = squaredNorm(matrix, j0 + j, t);
    if (accepted < rows && square > threshold) {
      scaleColumn(matrix, j0 + j, reciprocalRoot(square), t);
      cleanInPanel(matrix, j0, j, false, t);
      normalise(matrix, j0 + j, t);
      accepted++;
      if (t == 0u) { state[at + DEFERRED + j0 + j] = 0u; }
    } else {
      for (var r = t; r < rows; r += ${threads}u) { Q[matrix * rows * columns + r * columns + j0 + j] = 0.0; }
      if (t == 0u) { state[at + DEFERRED + j0 + j] = 1u; }
    }
    settle();
  }
  if (t == 0u) { state[at + ACCEPTED] = accepted; }
  settle();
}

fn polish(matrix: u32, t: u32) {
  let j0 = stateAt(matrix, PANEL, t) * ${tile}u;
  for (var j = 0u; j < widthOf(j0); j++) {
    if (stateAt(matrix, DEFERRED + j0 + j, t) != 0u) { continue; }
    cleanInPanel(matrix, j0, j, false, t);
    cleanInPanel(matrix, j0, j, false, t);
    normalise(matrix, j0 + j, t);
  }
}

fn polishRefilled(matrix: u32, t: u32) {
  if (stateAt(matrix, REFILLED, t) == 0u) { return; }
  let j0 = stateAt(matrix, PANEL, t) * ${tile}u;
  for (var j = 0u; j < widthOf(j0); j++) {
    if (stateAt(matrix, DEFERRED + j0 + j, t) == 0u) { continue; }
    cleanInPanel(matrix, j0, j, true, t);
    cleanInPanel(matrix, j0, j, true, t);
    normalise(matrix, j0 + j, t);
  }
}

fn finish(matrix: u32, group: u32, groups: u32, t: u32) {
  let bits = state[matrix * stateSize];
  if (${notFinite('bits')}) {
    for (var e = group * ${threads}u + t; e < rows * columns; e += groups * ${threads}u) {
      Q[matrix * rows * columns + e] = bitcast<f32>(bits | 0x7fc00000u);
    }
  }
}
`;

/** Products with the columns outside of the panel. */
const outside = `
/** C [k0 …, 32] ← the 32 columns at k0, transposed, times the panel at j0. */
fn product(matrix: u32, k0: u32, j0: u32, t: u32) {
  let base = matrix * rows * columns;
  let k = (t / 16u) * 2u;
  let c = (t % 16u) * 2u;
  var sum = vec4f();
  for (var r0 = 0u; r0 < rows; r0 += ${tile}u) {
    for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
      let r = r0 + e / ${tile}u;
      let j = e % ${tile}u;
      left[e] = 0.0;
      right[e] = 0.0;
      if (r < rows && k0 + j < columns) { left[e] = Q[base + r * columns + k0 + j]; }
      if (r < rows && j0 + j < columns) { right[e] = Q[base + r * columns + j0 + j]; }
    }
    workgroupBarrier();
    var part = vec4f();
    for (var r = 0u; r < ${tile * tile}u; r += ${tile}u) {
      let both = vec2f(right[r + c], right[r + c + 1u]);
      part += vec4f(left[r + k] * both, left[r + k + 1u] * both);
    }
    sum += part;
    workgroupBarrier();
  }
  for (var e = 0u; e < 4u; e++) {
    let at = k0 + k + e / 2u;
    if (at < columns) { C[(matrix * columns + at) * ${tile}u + c + e % 2u] = sum[e]; }
  }
}

/** 32 rows of the panel at j0 lose what C says of the columns before \`end\`, those of the panel left out. */
fn lose(matrix: u32, tileOfRows: u32, j0: u32, end: u32, refilled: bool, t: u32) {
  let base = matrix * rows * columns;
  let r0 = tileOfRows * ${tile}u;
  let i = (t / 16u) * 2u;
  let c = (t % 16u) * 2u;
  var sum = vec4f();
  for (var k0 = 0u; k0 < end; k0 += ${tile}u) {
    if (k0 == j0) { continue; }
    for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
      let r = r0 + e / ${tile}u;
      let k = k0 + e % ${tile}u;
      left[e] = 0.0;
      right[e] = 0.0;
      if (r < rows && k < columns) { left[e] = Q[base + r * columns + k]; }
      if (k0 + e / ${tile}u < columns) { right[e] = C[(matrix * columns + k0) * ${tile}u + e]; }
    }
    workgroupBarrier();
    var part = vec4f();
    for (var k = 0u; k < ${tile}u; k++) {
      let both = vec2f(right[k * ${tile}u + c], right[k * ${tile}u + c + 1u]);
      part += vec4f(left[i * ${tile}u + k] * both, left[(i + 1u) * ${tile}u + k] * both);
    }
    sum += part;
    workgroupBarrier();
  }
  for (var e = 0u; e < 4u; e++) {
    let r = r0 + i + e / 2u;
    let j = j0 + c + e % 2u;
    if (r < rows && j < columns && (!refilled || state[matrix * stateSize + DEFERRED + j] != 0u)) {
      Q[base + r * columns + j] -= sum[e];
    }
  }
}

/** As many panels lie before this one as there are workgroups. */
fn coefficients(matrix: u32, group: u32, groups: u32, t: u32) {
  if (group == 0u && t == 0u) { state[matrix * stateSize + PANEL] = groups; }
  product(matrix, group * ${tile}u, groups * ${tile}u, t);
}

fn subtract(matrix: u32, tileOfRows: u32, t: u32) {
  let j0 = stateAt(matrix, PANEL, t) * ${tile}u;
  lose(matrix, tileOfRows, j0, j0, false, t);
}

fn coefficientsOfRefilled(matrix: u32, group: u32, t: u32) {
  let panel = stateAt(matrix, PANEL, t);
  if (stateAt(matrix, REFILLED, t) == 0u || group == panel) { return; }
  product(matrix, group * ${tile}u, panel * ${tile}u, t);
}

fn subtractFromRefilled(matrix: u32, tileOfRows: u32, t: u32) {
  let j0 = stateAt(matrix, PANEL, t) * ${tile}u;
  if (stateAt(matrix, REFILLED, t) == 0u) { return; }
  lose(matrix, tileOfRows, j0, columns, true, t);
}
`;

/** room_i = 1 − Σ (row i of the accepted columns)²: what is left of e_i. */
const measureRoom = `
fn measureRoom(matrix: u32, group: u32, t: u32) {
  let at = matrix * stateSize;
  if (group == 0u && t == 0u) { state[at + PANEL] = 0xffffffffu; }
  let r = group * ${threads}u + t;
  if (r < rows && state[at + ACCEPTED] < columns) {
    var left = 1.0;
    for (var start = 0u; start < columns; start += ${tile}u) {
      var part = 0.0;
      for (var j = start; j < min(start + ${tile}u, columns); j++) {
        let x = Q[matrix * rows * columns + r * columns + j];
        part += x * x;
      }
      left -= part;
    }
    room[matrix * rows + r] = left;
  }
  settle();
}
`;

/** Deferred columns of the next panel: unit vectors with most room, less their parts along all columns; the row of Q lies in C. */
const refill = `
fn refill(matrix: u32, t: u32) {
  let at = matrix * stateSize;
  let base = matrix * rows * columns;
  let row = matrix * columns * ${tile}u;
  let panel = stateAt(matrix, PANEL, t) + 1u;
  let largest = stateAt(matrix, 0u, t);
  var refilled = 0u;
  if (stateAt(matrix, ACCEPTED, t) < columns && !(${notFinite('largest')})) {
    for (var j = panel * ${tile}u; j < min(panel * ${tile}u + ${tile}u, columns); j++) {
      if (stateAt(matrix, DEFERRED + j, t) == 0u) { continue; }
      var most = 0u;
      for (var r = t; r < rows; r += ${threads}u) { most = max(most, bitcast<u32>(max(room[matrix * rows + r], 0.0))); }
      let enough = bitcast<f32>(maximumOver(t, most)) * (1.0 - 1e-4);
      var first = 0u;
      for (var r = t; r < rows; r += ${threads}u) {
        if (max(room[matrix * rows + r], 0.0) >= enough) { first = max(first, 0xffffffffu - r); }
      }
      let i = 0xffffffffu - maximumOver(t, first);
      for (var k = t; k < columns; k += ${threads}u) { C[row + k] = Q[base + i * columns + k]; }
      settle();
      for (var r = t; r < rows; r += ${threads}u) {
        var x = select(0.0, 1.0, r == i);
        for (var start = 0u; start < columns; start += ${tile}u) {
          var part = 0.0;
          for (var k = start; k < min(start + ${tile}u, columns); k++) { part += C[row + k] * Q[base + r * columns + k]; }
          x -= part;
        }
        Q[base + r * columns + j] = x;
      }
      let factor = reciprocalRoot(squaredNorm(matrix, j, t));
      for (var r = t; r < rows; r += ${threads}u) {
        let x = Q[base + r * columns + j] * factor;
        Q[base + r * columns + j] = x;
        room[matrix * rows + r] -= x * x;
      }
      settle();
      refilled++;
    }
  }
  if (t == 0u) {
    state[at + PANEL] = panel;
    state[at + REFILLED] = refilled;
  }
  settle();
}
`;

/** A number as WGSL takes it; what f32 cannot hold is 0. */
const literal = (x: number): string => (x < 1.2e-38 ? '0.0' : x.toExponential());
