import { lanes, notFinite, threads, tile } from '../kernel.ts';

/** Largest magnitudes of every part of X. */
export const scan: string = `
fn scan(batch: u32, matrix: u32, group: u32, groups: u32, t: u32) {
  let length = arrayLength(&X) / batch;
  var bits = 0u;
  for (var e = group * ${threads}u + t; e < length; e += groups * ${threads}u) { bits = max(bits, X[matrix * length + e] & 0x7fffffffu); }
  bits = maximumOver(t, bits);
  if (t == 0u) { parts[matrix * groups + group] = bits; }
  settle();
}
`;

/** Q ← X, scaled to a largest magnitude of about 1, or 0 where X is not finite; what every chunk of rows adds to the squared norms. */
export const load: string = `
fn load(s: Shape, matrix: u32, group: u32, t: u32) {
  let scanned = arrayLength(&parts) / s.batch;
  let panels = (s.columns + ${tile - 1}u) / ${tile}u;
  let chunk = (s.rows + s.chunks - 1u) / s.chunks;
  var bits = 0u;
  for (var i = t; i < scanned; i += ${threads}u) { bits = max(bits, parts[matrix * scanned + i]); }
  bits = maximumOver(t, bits);
  let scale = powerOfTwo(bits);
  let j = (group % panels) * ${tile}u + t % ${tile}u;
  var sum = 0.0;
  if (j < s.columns) {
    let first = (group / panels) * chunk;
    let end = min(first + chunk, s.rows);
    for (var start = first + t / ${tile}u; start < end; start += ${threads}u) {
      var part = 0.0;
      for (var r = start; r < min(start + ${threads}u, end); r += ${lanes}u) {
        let at = matrix * s.rows * s.columns + r * s.columns + j;
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
  if (t < ${tile}u && j < s.columns) {
    var total = 0.0;
    for (var lane = 0u; lane < ${lanes}u; lane++) { total += floatLanes[lane * ${tile}u + t]; }
    norms[(matrix * s.chunks + group / panels) * s.columns + j] = total;
  }
  if (group == 0u && t < DEFERRED) { state[matrix * (DEFERRED + s.columns) + t] = select(select(0u, s.rows, t == ROWS), bits, t == 0u); }
  settle();
}
`;

/** A remainder this many times longer (squared) than the threshold, or than what rounding leaves of a dependent column, needs no decision. */
const margin = 16;

/** The squares below which a remainder counts as none, and above which it counts without a decision. */
export const measureThreshold = (tolerance: number): string => `
fn measureThreshold(s: Shape, matrix: u32, t: u32) {
  var longest = 0u;
  for (var j = t; j < s.columns; j += ${threads}u) {
    var square = 0.0;
    for (var i = 0u; i < s.chunks; i++) { square += norms[(matrix * s.chunks + i) * s.columns + j]; }
    longest = max(longest, bitcast<u32>(square));
  }
  let square = bitcast<f32>(maximumOver(t, longest));
  if (t == 0u) {
    let at = matrix * (DEFERRED + s.columns);
    state[at + THRESHOLD] = bitcast<u32>(square * ${literal(tolerance ** 2)});
    state[at + CLEARANCE] = bitcast<u32>(square * ${margin}.0 * max(${literal(tolerance ** 2)}, 3.6e-15 * f32(state[at + ROWS])));
  }
  settle();
}
`;

/** A number as WGSL takes it; what f32 cannot hold is 0. */
export const literal = (x: number): string => (x < 1.2e-38 ? '0.0' : x.toExponential());

/** NaN for what was not finite. */
export const finish: string = `
fn finish(s: Shape, matrix: u32, group: u32, groups: u32, t: u32) {
  let bits = state[matrix * (DEFERRED + s.columns)];
  if (${notFinite('bits')}) {
    for (var e = group * ${threads}u + t; e < s.rows * s.columns; e += groups * ${threads}u) {
      Q[matrix * s.rows * s.columns + e] = bitcast<f32>(bits | 0x7fc00000u);
    }
  }
}
`;
