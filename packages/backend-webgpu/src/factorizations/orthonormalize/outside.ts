import { threads, tile } from '../kernel.ts';

/** Products with the columns outside of the panel. */
export const outside: string = `
/** C [k0 …, 32] ← the 32 columns at k0, transposed, times the panel at j0. */
fn product(s: Shape, matrix: u32, k0: u32, j0: u32, t: u32) {
  let base = matrix * s.rows * s.columns;
  let k = (t / 16u) * 2u;
  let c = (t % 16u) * 2u;
  var sum = vec4f();
  for (var r0 = 0u; r0 < s.rows; r0 += ${tile}u) {
    for (var e = t; e < ${tile * tile}u; e += ${threads}u) {
      let r = r0 + e / ${tile}u;
      let j = e % ${tile}u;
      left[e] = 0.0;
      right[e] = 0.0;
      if (r < s.rows && k0 + j < s.columns) { left[e] = Q[base + r * s.columns + k0 + j]; }
      if (r < s.rows && j0 + j < s.columns) { right[e] = Q[base + r * s.columns + j0 + j]; }
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
    if (at < s.columns) { C[(matrix * s.columns + at) * ${tile}u + c + e % 2u] = sum[e]; }
  }
}

/** 32 rows of the panel at j0 lose what C says of the columns before \`end\`, those of the panel left out. */
fn lose(s: Shape, matrix: u32, tileOfRows: u32, j0: u32, end: u32, refilled: bool, t: u32) {
  let base = matrix * s.rows * s.columns;
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
      if (r < s.rows && k < s.columns) { left[e] = Q[base + r * s.columns + k]; }
      if (k0 + e / ${tile}u < s.columns) { right[e] = C[(matrix * s.columns + k0) * ${tile}u + e]; }
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
    if (r < s.rows && j < s.columns && (!refilled || state[matrix * (DEFERRED + s.columns) + DEFERRED + j] != 0u)) {
      Q[base + r * s.columns + j] -= sum[e];
    }
  }
}

/** As many panels lie before this one as there are workgroups. */
fn coefficients(s: Shape, matrix: u32, group: u32, groups: u32, t: u32) {
  if (group == 0u && t == 0u) { state[matrix * (DEFERRED + s.columns) + PANEL] = groups; }
  product(s, matrix, group * ${tile}u, groups * ${tile}u, t);
}

fn subtract(s: Shape, matrix: u32, tileOfRows: u32, t: u32) {
  let j0 = stateAt(s, matrix, PANEL, t) * ${tile}u;
  lose(s, matrix, tileOfRows, j0, j0, false, t);
}

fn coefficientsOfRefilled(s: Shape, matrix: u32, group: u32, t: u32) {
  let panel = stateAt(s, matrix, PANEL, t);
  if (stateAt(s, matrix, REFILLED, t) == 0u || group == panel) { return; }
  product(s, matrix, group * ${tile}u, panel * ${tile}u, t);
}

fn subtractFromRefilled(s: Shape, matrix: u32, tileOfRows: u32, t: u32) {
  let j0 = stateAt(s, matrix, PANEL, t) * ${tile}u;
  if (stateAt(s, matrix, REFILLED, t) == 0u) { return; }
  lose(s, matrix, tileOfRows, j0, s.columns, true, t);
}
`;
