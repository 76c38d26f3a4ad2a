import { threads, tile } from '../kernel.ts';
import type { PlaceName } from './place-name.ts';

const gramOfChunk = `
fn gramOfChunk(s: Shape, matrix: u32, part: u32, t: u32) {
  let base = matrix * s.rows * s.columns;
  let j0 = stateAt(s, matrix, PANEL, t) * ${tile}u;
  let k = (t / 16u) * 2u;
  let c = (t % 16u) * 2u;
  let chunk = (s.rows + s.chunks - 1u) / s.chunks;
  let end = min((part + 1u) * chunk, s.rows);
  var sum = vec4f();
  for (var r0 = part * chunk; r0 < end; r0 += ${tile}u) {
    for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
      let r = r0 + e / ${tile}u;
      let j = j0 + e % ${tile}u;
      left[e] = 0.0;
      if (r < end && j < s.columns) { left[e] = Q[base + r * s.columns + j]; }
    }
    workgroupBarrier();
    var own = vec4f();
    for (var r = 0u; r < ${tile * tile}u; r += ${tile}u) {
      let both = vec2f(left[r + c], left[r + c + 1u]);
      own += vec4f(left[r + k] * both, left[r + k + 1u] * both);
    }
    sum += own;
    workgroupBarrier();
  }
  for (var e = 0u; e < 4u; e++) {
    grams[(matrix * s.chunks + part) * ${tile * tile}u + (k + e / 2u) * ${tile}u + c + e % 2u] = sum[e];
  }
}
`;

/** A remainder is to be at least a tenth of its column. */
const leastPivot = 0.01;

const factor = `
/** T = D·L⁻ᵀ for D·WᵀW·D = LLᵀ. With \`polishing\` columns of 0 stay. */
fn factorGram(s: Shape, matrix: u32, polishing: bool, t: u32) {
  let at = matrix * (DEFERRED + s.columns);
  let j0 = stateAt(s, matrix, PANEL, t) * ${tile}u;
  let width = widthOf(s, j0);
  let least = bitcast<f32>(stateAt(s, matrix, CLEARANCE, t));
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    var sum = 0.0;
    for (var i = 0u; i < s.chunks; i++) { sum += grams[(matrix * s.chunks + i) * ${tile * tile}u + e]; }
    left[e] = sum;
    right[e] = 0.0;
  }
  if (t == 0u) { announced = 1u; }
  workgroupBarrier();
  var square = 0.0;
  if (t < ${tile}u) {
    square = left[t * ${tile + 1}u];
    dots[t] = select(0.0, reciprocalRoot(max(square, 1e-36)), square > 1e-36);
    if (!polishing && t < width && !(square > least)) { announced = 0u; }
  }
  workgroupBarrier();
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let i = e / ${tile}u;
    let j = e % ${tile}u;
    left[e] *= dots[i] * dots[j];
    if (i == j) { left[e] = 1.0; }
  }
  workgroupBarrier();
  for (var j = 0u; j < ${tile}u; j++) {
    let pivot = left[j * ${tile + 1}u];
    let scale = reciprocalRoot(max(pivot, ${leastPivot}));
    workgroupBarrier();
    if (t == j && (!(pivot >= ${leastPivot}) || (!polishing && j < width && !(pivot * square > least)))) { announced = 0u; }
    if (t < ${tile}u && t >= j) { left[t * ${tile}u + j] *= scale; }
    workgroupBarrier();
    for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
      let i = e / ${tile}u;
      let k = e % ${tile}u;
      if (k > j && i >= k) { left[e] -= left[i * ${tile}u + j] * left[k * ${tile}u + j]; }
    }
    workgroupBarrier();
  }
  // Column t of L⁻¹, by forward substitution, becomes row t of L⁻ᵀ.
  if (t < ${tile}u) {
    for (var i = t; i < ${tile}u; i++) {
      var x = select(0.0, 1.0, i == t);
      for (var k = t; k < i; k++) { x -= left[i * ${tile}u + k] * right[t * ${tile}u + k]; }
      right[t * ${tile}u + i] = x / left[i * ${tile + 1}u];
    }
  }
  workgroupBarrier();
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    T[matrix * ${tile * tile}u + e] = dots[e / ${tile}u] * right[e];
  }
  let clear = workgroupUniformLoad(&announced) != 0u && (polishing || stateAt(s, matrix, ACCEPTED, t) + width <= stateAt(s, matrix, ROWS, t));
  if (t == 0u) {
    state[at + CLEAR] = select(0u, 1u, clear);
    if (clear && !polishing) { state[at + ACCEPTED] += width; }
  }
  if (clear && !polishing && t < width) { state[at + DEFERRED + j0 + t] = 0u; }
}
`;

const apply = `
fn applyFactor(s: Shape, matrix: u32, tileOfRows: u32, t: u32) {
  if (stateAt(s, matrix, CLEAR, t) == 0u) { return; }
  let base = matrix * s.rows * s.columns;
  let j0 = stateAt(s, matrix, PANEL, t) * ${tile}u;
  let r0 = tileOfRows * ${tile}u;
  let i = (t / 16u) * 2u;
  let c = (t % 16u) * 2u;
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let r = r0 + e / ${tile}u;
    let j = j0 + e % ${tile}u;
    left[e] = 0.0;
    if (r < s.rows && j < s.columns) { left[e] = Q[base + r * s.columns + j]; }
    right[e] = T[matrix * ${tile * tile}u + e];
  }
  workgroupBarrier();
  var sum = vec4f();
  for (var k = 0u; k < ${tile}u; k++) {
    let both = vec2f(right[k * ${tile}u + c], right[k * ${tile}u + c + 1u]);
    sum += vec4f(left[i * ${tile}u + k] * both, left[(i + 1u) * ${tile}u + k] * both);
  }
  for (var e = 0u; e < 4u; e++) {
    let r = r0 + i + e / 2u;
    let j = j0 + c + e % 2u;
    if (r < s.rows && j < s.columns) { Q[base + r * s.columns + j] = sum[e]; }
  }
  workgroupBarrier();
}
`;

/**
 * A panel W as a whole, by many workgroups: the Cholesky factor of its Gram matrix, with columns scaled to unit length, gives
 * Q = W·T. Only where every column stands clear of those before it, so that no decision is near and one more turn of the same
 * repairs what the squared condition has cost; otherwise the flag CLEAR stays 0 and the panel's columns are gone through in turn.
 */
export const gram: readonly { readonly needs: readonly PlaceName[]; readonly wgsl: string }[] = [
  { needs: ['Q', 'state', 'grams'], wgsl: gramOfChunk },
  { needs: ['state', 'grams', 'T'], wgsl: factor },
  { needs: ['Q', 'state', 'T'], wgsl: apply },
];
