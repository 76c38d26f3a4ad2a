import { threads, tile } from '../kernel.ts';
import { literal } from './load.ts';
import type { PlaceName } from './module.ts';
import type { OrthonormalizeSize } from './orthonormalize.ts';

/**
 * A panel W as a whole, by many workgroups: the Cholesky factor of its Gram matrix, with columns scaled to unit length, gives
 * Q = W·T. Only where every column stands clear of those before it, so that no decision is near and one more turn of the same
 * repairs what the squared condition has cost; otherwise the flag CLEAR stays 0 and the panel's columns are gone through in turn.
 */
export const gram = (size: OrthonormalizeSize): readonly { readonly needs: readonly PlaceName[]; readonly wgsl: string }[] => [
  { needs: ['Q', 'state', 'grams'], wgsl: gramOfChunk },
  { needs: ['state', 'grams', 'T'], wgsl: factor(size) },
  { needs: ['Q', 'state', 'T'], wgsl: apply },
];

const gramOfChunk = `
fn gramOfChunk(matrix: u32, part: u32, t: u32) {
  let base = matrix * rows * columns;
  let j0 = stateAt(matrix, PANEL, t) * ${tile}u;
  let k = (t / 16u) * 2u;
  let c = (t % 16u) * 2u;
  let end = min((part + 1u) * chunk, rows);
  var sum = vec4f();
  for (var r0 = part * chunk; r0 < end; r0 += ${tile}u) {
    for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
      let r = r0 + e / ${tile}u;
      let j = j0 + e % ${tile}u;
      left[e] = 0.0;
      if (r < end && j < columns) { left[e] = Q[base + r * columns + j]; }
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
    grams[(matrix * chunks + part) * ${tile * tile}u + (k + e / 2u) * ${tile}u + c + e % 2u] = sum[e];
  }
}
`;

/** A remainder this much longer than the threshold, or than what rounding leaves of a dependent column, is no matter of decision. */
const margin = 16;
/** And it is to be at least a tenth of its column. */
const leastPivot = 0.01;

const factor = ({ rows, tolerance }: OrthonormalizeSize): string => `
/** T = D·L⁻ᵀ for D·WᵀW·D = LLᵀ. With \`polishing\` columns of 0 stay. */
fn factorGram(matrix: u32, polishing: bool, t: u32) {
  let at = matrix * stateSize;
  let j0 = stateAt(matrix, PANEL, t) * ${tile}u;
  let width = widthOf(j0);
  let least = bitcast<f32>(stateAt(matrix, LONGEST, t)) * ${literal(margin * Math.max(tolerance ** 2, 3.6e-15 * rows))};
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    var sum = 0.0;
    for (var i = 0u; i < chunks; i++) { sum += grams[(matrix * chunks + i) * ${tile * tile}u + e]; }
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
    let scale = reciprocalRoot(max(pivot, ${literal(leastPivot)}));
    workgroupBarrier();
    if (t == j && (!(pivot >= ${literal(leastPivot)}) || (!polishing && j < width && !(pivot * square > least)))) { announced = 0u; }
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
  let clear = workgroupUniformLoad(&announced) != 0u && (polishing || stateAt(matrix, ACCEPTED, t) + width <= rows);
  if (t == 0u) {
    state[at + CLEAR] = select(0u, 1u, clear);
    if (clear && !polishing) { state[at + ACCEPTED] += width; }
  }
  if (clear && !polishing && t < width) { state[at + DEFERRED + j0 + t] = 0u; }
}
`;

const apply = `
fn applyFactor(matrix: u32, tileOfRows: u32, t: u32) {
  if (stateAt(matrix, CLEAR, t) == 0u) { return; }
  let base = matrix * rows * columns;
  let j0 = stateAt(matrix, PANEL, t) * ${tile}u;
  let r0 = tileOfRows * ${tile}u;
  let i = (t / 16u) * 2u;
  let c = (t % 16u) * 2u;
  for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
    let r = r0 + e / ${tile}u;
    let j = j0 + e % ${tile}u;
    left[e] = 0.0;
    if (r < rows && j < columns) { left[e] = Q[base + r * columns + j]; }
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
    if (r < rows && j < columns) { Q[base + r * columns + j] = sum[e]; }
  }
  workgroupBarrier();
}
`;
