import { notFinite, threads, tile } from '../kernel.ts';

/** room_i = 1 − Σ (row i of the accepted columns)²: what is left of e_i. */
export const measureRoom: string = `
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
export const refill: string = `
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
