import { lanes, notFinite, threads, tile } from '../kernel.ts';

/** Largest magnitudes of every part of X. */
export const scan: string = `
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

/** Q ← X, scaled to a largest magnitude of about 1, or 0 where X is not finite; what every chunk of rows adds to the squared norms. */
export const load: string = `
fn load(matrix: u32, group: u32, t: u32) {
  var bits = 0u;
  for (var i = t; i < scanned; i += ${threads}u) { bits = max(bits, parts[matrix * scanned + i]); }
  bits = maximumOver(t, bits);
  let scale = powerOfTwo(bits);
  let j = (group % panels) * ${tile}u + t % ${tile}u;
  var sum = 0.0;
  if (j < columns) {
    let first = (group / panels) * chunk;
    let end = min(first + chunk, rows);
    for (var start = first + t / ${tile}u; start < end; start += ${threads}u) {
      var part = 0.0;
      for (var r = start; r < min(start + ${threads}u, end); r += ${lanes}u) {
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
    norms[(matrix * chunks + group / panels) * columns + j] = total;
  }
  if (group == 0u && t < DEFERRED) { state[matrix * stateSize + t] = select(0u, bits, t == 0u); }
  settle();
}
`;

/** The square below which a remainder counts as none. */
export const measureThreshold = (tolerance: number): string => `
fn measureThreshold(matrix: u32, t: u32) {
  var longest = 0u;
  for (var j = t; j < columns; j += ${threads}u) {
    var square = 0.0;
    for (var i = 0u; i < chunks; i++) { square += norms[(matrix * chunks + i) * columns + j]; }
    longest = max(longest, bitcast<u32>(square));
  }
  let square = bitcast<f32>(maximumOver(t, longest));
  if (t == 0u) {
    state[matrix * stateSize + THRESHOLD] = bitcast<u32>(square * ${literal(tolerance ** 2)});
    state[matrix * stateSize + LONGEST] = bitcast<u32>(square);
  }
  settle();
}
`;

/** A number as WGSL takes it; what f32 cannot hold is 0. */
export const literal = (x: number): string => (x < 1.2e-38 ? '0.0' : x.toExponential());

/** NaN for what was not finite. */
export const finish: string = `
fn finish(matrix: u32, group: u32, groups: u32, t: u32) {
  let bits = state[matrix * stateSize];
  if (${notFinite('bits')}) {
    for (var e = group * ${threads}u + t; e < rows * columns; e += groups * ${threads}u) {
      Q[matrix * rows * columns + e] = bitcast<f32>(bits | 0x7fc00000u);
    }
  }
}
`;
