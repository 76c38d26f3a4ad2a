import { threads, tile } from '../kernel.ts';

/** Products with the columns outside of the panel. */
export const outside: string = `
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
