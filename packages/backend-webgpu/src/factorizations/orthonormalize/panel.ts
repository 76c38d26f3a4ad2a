import { lanes, threads, tile } from '../kernel.ts';

/** What one workgroup does with the columns of one panel, in turn. */
export const panel: string = `
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
  if (stateAt(matrix, CLEAR, t) != 0u) { return; }
  let threshold = bitcast<f32>(stateAt(matrix, THRESHOLD, t));
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
  if (stateAt(matrix, CLEAR, t) != 0u) { return; }
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
`;
