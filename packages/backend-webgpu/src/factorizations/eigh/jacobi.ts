import { tile } from '../kernel.ts';

/**
 * Jacobi rotations in workgroup memory: A ← VᵀAV, V ← V·(rotations), for symmetric A of even size N ≤ 32 with largest magnitude about 1.
 * In a round every index meets one other (round robin), and all rotations of a round are applied together, two by two entries for
 * each invocation. Sweeps end when nothing off the diagonal is more than `negligible`, an absolute bound: one relative to the entries'
 * own diagonal would never end on matrices of small rank.
 */
export const jacobi: string = `
const negligible = 9.313226e-10;
var<workgroup> A: array<f32, ${tile * tile}>;
var<workgroup> V: array<f32, ${tile * tile}>;
var<workgroup> W: array<f32, ${tile * tile}>;
var<workgroup> cosines: array<f32, ${tile / 2}>;
var<workgroup> sines: array<f32, ${tile / 2}>;
var<workgroup> firsts: array<u32, ${tile / 2}>;
var<workgroup> seconds: array<u32, ${tile / 2}>;

/** Bits of the largest magnitude off the diagonal. */
fn offDiagonal(N: u32, t: u32) -> u32 {
  var bits = 0u;
  for (var e = t; e < N * ${tile}u; e += 256u) {
    let i = e / ${tile}u;
    let j = e % ${tile}u;
    if (j < N && i != j) { bits = max(bits, bitcast<u32>(A[e]) & 0x7fffffffu); }
  }
  return maximumOver(t, bits);
}

/** The rotation that annihilates A[p, q]. */
fn rotation(N: u32, pair: u32, round: u32) {
  var p = N - 1u;
  if (pair > 0u) { p = (round + pair) % (N - 1u); }
  let q = (round + N - 1u - pair) % (N - 1u);
  let off = A[p * ${tile}u + q];
  var c = 1.0;
  var s = 0.0;
  if (abs(off) > negligible) {
    let theta = (A[q * ${tile}u + q] - A[p * ${tile}u + p]) / (2.0 * off);
    let tangent = select(-1.0, 1.0, theta >= 0.0) / (abs(theta) + sqrt(1.0 + theta * theta));
    c = reciprocalRoot(1.0 + tangent * tangent);
    s = tangent * c;
  }
  cosines[pair] = c;
  sines[pair] = s;
  firsts[pair] = p;
  seconds[pair] = q;
}

fn sweeps(N: u32, most: u32, t: u32) {
  let pairs = N / 2u;
  for (var sweep = 0u; sweep < most; sweep++) {
    if (offDiagonal(N, t) <= bitcast<u32>(negligible)) { break; }
    for (var round = 0u; round < N - 1u; round++) {
      if (t < pairs) { rotation(N, t, round); }
      workgroupBarrier();
      for (var e = t; e < pairs * pairs; e += 256u) {
        let k = e / pairs;
        let l = e % pairs;
        let pp = firsts[k] * ${tile}u + firsts[l];
        let pq = firsts[k] * ${tile}u + seconds[l];
        let qp = seconds[k] * ${tile}u + firsts[l];
        let qq = seconds[k] * ${tile}u + seconds[l];
        let left = vec2f(cosines[k], sines[k]);
        let right = vec2f(cosines[l], sines[l]);
        // Rows, then columns.
        let p = vec2f(left.x * A[pp] - left.y * A[qp], left.x * A[pq] - left.y * A[qq]);
        let q = vec2f(left.y * A[pp] + left.x * A[qp], left.y * A[pq] + left.x * A[qq]);
        A[pp] = right.x * p.x - right.y * p.y;
        A[qq] = right.y * q.x + right.x * q.y;
        let annihilated = k == l && left.y != 0.0;
        A[pq] = select(right.y * p.x + right.x * p.y, 0.0, annihilated);
        A[qp] = select(right.x * q.x - right.y * q.y, 0.0, annihilated);
      }
      for (var e = t; e < pairs * N; e += 256u) {
        let k = e % pairs;
        let p = (e / pairs) * ${tile}u + firsts[k];
        let q = (e / pairs) * ${tile}u + seconds[k];
        let x = V[p];
        let y = V[q];
        V[p] = cosines[k] * x - sines[k] * y;
        V[q] = sines[k] * x + cosines[k] * y;
      }
      workgroupBarrier();
    }
  }
}

/** One Newton–Schulz step, V ← V(3I − VᵀV)/2: an orthogonality error ε becomes ε². */
fn polish(N: u32, t: u32) {
  for (var e = t; e < N * ${tile}u; e += 256u) {
    let i = e / ${tile}u;
    let j = e % ${tile}u;
    var sum = 0.0;
    for (var k = 0u; k < N; k++) { sum += V[k * ${tile}u + i] * V[k * ${tile}u + j]; }
    W[e] = select(0.0, 1.5, i == j) - 0.5 * sum;
  }
  workgroupBarrier();
  // Four entries of V for each invocation, before any is overwritten.
  var own = vec4f();
  for (var part = 0u; part < 4u; part++) {
    let e = t + part * 256u;
    if (e < N * ${tile}u) {
      for (var k = 0u; k < N; k++) { own[part] += V[(e / ${tile}u) * ${tile}u + k] * W[k * ${tile}u + e % ${tile}u]; }
    }
  }
  workgroupBarrier();
  for (var part = 0u; part < 4u; part++) {
    let e = t + part * 256u;
    if (e < N * ${tile}u) { V[e] = own[part]; }
  }
  workgroupBarrier();
}
`;
