import { notFinite, threads, tile } from '../kernel.ts';

/** room_i = 1 − Σ (row i of the accepted columns)²: what is left of e_i. */
export const measureRoom: string = `
fn measureRoom(s: Shape, matrix: u32, group: u32, t: u32) {
  let at = matrix * (DEFERRED + s.columns);
  if (group == 0u && t == 0u) { state[at + PANEL] = 0xffffffffu; }
  let r = group * ${threads}u + t;
  if (r < s.rows && state[at + ACCEPTED] < s.columns) {
    var left = 1.0;
    for (var start = 0u; start < s.columns; start += ${tile}u) {
      var part = 0.0;
      for (var j = start; j < min(start + ${tile}u, s.columns); j++) {
        let x = Q[matrix * s.rows * s.columns + r * s.columns + j];
        part += x * x;
      }
      left -= part;
    }
    room[matrix * s.rows + r] = left;
  }
  settle();
}
`;

/** Deferred columns of the next panel: unit vectors with most room, less their parts along all columns; the row of Q lies in C. */
export const refill: string = `
fn refill(s: Shape, matrix: u32, t: u32) {
  let at = matrix * (DEFERRED + s.columns);
  let base = matrix * s.rows * s.columns;
  let row = matrix * s.columns * ${tile}u;
  let panel = stateAt(s, matrix, PANEL, t) + 1u;
  let largest = stateAt(s, matrix, 0u, t);
  var refilled = 0u;
  if (stateAt(s, matrix, ACCEPTED, t) < s.columns && !(${notFinite('largest')})) {
    for (var j = panel * ${tile}u; j < min(panel * ${tile}u + ${tile}u, s.columns); j++) {
      if (stateAt(s, matrix, DEFERRED + j, t) == 0u) { continue; }
      var most = 0u;
      for (var r = t; r < s.rows; r += ${threads}u) { most = max(most, bitcast<u32>(max(room[matrix * s.rows + r], 0.0))); }
      let enough = bitcast<f32>(maximumOver(t, most)) * (1.0 - 1e-4);
      var first = 0u;
      for (var r = t; r < s.rows; r += ${threads}u) {
        if (max(room[matrix * s.rows + r], 0.0) >= enough) { first = max(first, 0xffffffffu - r); }
      }
      let i = 0xffffffffu - maximumOver(t, first);
      for (var k = t; k < s.columns; k += ${threads}u) { C[row + k] = Q[base + i * s.columns + k]; }
      settle();
      for (var r = t; r < s.rows; r += ${threads}u) {
        var x = select(0.0, 1.0, r == i);
        for (var start = 0u; start < s.columns; start += ${tile}u) {
          var part = 0.0;
          for (var k = start; k < min(start + ${tile}u, s.columns); k++) { part += C[row + k] * Q[base + r * s.columns + k]; }
          x -= part;
        }
        Q[base + r * s.columns + j] = x;
      }
      let factor = reciprocalRoot(squaredNorm(s, matrix, j, t));
      for (var r = t; r < s.rows; r += ${threads}u) {
        let x = Q[base + r * s.columns + j] * factor;
        Q[base + r * s.columns + j] = x;
        room[matrix * s.rows + r] -= x * x;
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
