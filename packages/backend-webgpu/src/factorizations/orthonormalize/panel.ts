import { lanes, threads, tile } from '../kernel.ts';

/** What one workgroup does with the columns of one panel, in turn. */
export const panel: string = `
/** Column j of the panel loses its parts along those before it; a refilled one along every one that was accepted, too. */
fn cleanInPanel(s: Shape, matrix: u32, j0: u32, j: u32, refilled: bool, t: u32) {
  let base = matrix * s.rows * s.columns + j0;
  let limit = select(j, widthOf(s, j0), refilled);
  let c = t % ${tile}u;
  var sum = 0.0;
  if (c < limit && c != j && (c < j || state[matrix * (DEFERRED + s.columns) + DEFERRED + j0 + c] == 0u)) {
    for (var start = t / ${tile}u; start < s.rows; start += ${threads}u) {
      var part = 0.0;
      for (var r = start; r < min(start + ${threads}u, s.rows); r += ${lanes}u) {
        part += Q[base + r * s.columns + c] * Q[base + r * s.columns + j];
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
  for (var r = t; r < s.rows; r += ${threads}u) {
    var x = Q[base + r * s.columns + j];
    for (var k = 0u; k < limit; k++) { x -= dots[k] * Q[base + r * s.columns + k]; }
    Q[base + r * s.columns + j] = x;
  }
  settle();
}

fn squaredNorm(s: Shape, matrix: u32, j: u32, t: u32) -> f32 {
  var sum = 0.0;
  for (var r = t; r < s.rows; r += ${threads}u) {
    let x = Q[matrix * s.rows * s.columns + r * s.columns + j];
    sum += x * x;
  }
  return sumOver(t, sum);
}

fn scaleColumn(s: Shape, matrix: u32, j: u32, factor: f32, t: u32) {
  for (var r = t; r < s.rows; r += ${threads}u) { Q[matrix * s.rows * s.columns + r * s.columns + j] *= factor; }
  settle();
}

fn normalise(s: Shape, matrix: u32, j: u32, t: u32) {
  scaleColumn(s, matrix, j, reciprocalRoot(squaredNorm(s, matrix, j, t)), t);
}

fn accept(s: Shape, matrix: u32, t: u32) {
  let at = matrix * (DEFERRED + s.columns);
  let j0 = stateAt(s, matrix, PANEL, t) * ${tile}u;
  if (stateAt(s, matrix, CLEAR, t) != 0u) { return; }
  let threshold = bitcast<f32>(stateAt(s, matrix, THRESHOLD, t));
  var accepted = stateAt(s, matrix, ACCEPTED, t);
  for (var j = 0u; j < widthOf(s, j0); j++) {
    cleanInPanel(s, matrix, j0, j, false, t);
    cleanInPanel(s, matrix, j0, j, false, t);
    let square = squaredNorm(s, matrix, j0 + j, t);
    if (accepted < s.rows && square > threshold) {
      scaleColumn(s, matrix, j0 + j, reciprocalRoot(square), t);
      cleanInPanel(s, matrix, j0, j, false, t);
      normalise(s, matrix, j0 + j, t);
      accepted++;
      if (t == 0u) { state[at + DEFERRED + j0 + j] = 0u; }
    } else {
      for (var r = t; r < s.rows; r += ${threads}u) { Q[matrix * s.rows * s.columns + r * s.columns + j0 + j] = 0.0; }
      if (t == 0u) { state[at + DEFERRED + j0 + j] = 1u; }
    }
    settle();
  }
  if (t == 0u) { state[at + ACCEPTED] = accepted; }
  settle();
}

fn polish(s: Shape, matrix: u32, t: u32) {
  if (stateAt(s, matrix, CLEAR, t) != 0u) { return; }
  let j0 = stateAt(s, matrix, PANEL, t) * ${tile}u;
  for (var j = 0u; j < widthOf(s, j0); j++) {
    if (stateAt(s, matrix, DEFERRED + j0 + j, t) != 0u) { continue; }
    cleanInPanel(s, matrix, j0, j, false, t);
    cleanInPanel(s, matrix, j0, j, false, t);
    normalise(s, matrix, j0 + j, t);
  }
}

fn polishRefilled(s: Shape, matrix: u32, t: u32) {
  if (stateAt(s, matrix, REFILLED, t) == 0u) { return; }
  let j0 = stateAt(s, matrix, PANEL, t) * ${tile}u;
  for (var j = 0u; j < widthOf(s, j0); j++) {
    if (stateAt(s, matrix, DEFERRED + j0 + j, t) == 0u) { continue; }
    cleanInPanel(s, matrix, j0, j, true, t);
    cleanInPanel(s, matrix, j0, j, true, t);
    normalise(s, matrix, j0 + j, t);
  }
}
`;
