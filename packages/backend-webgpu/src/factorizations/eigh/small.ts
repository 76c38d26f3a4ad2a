import type { Dispatch, Place } from '../../dispatch.ts';
import { bound, kernel, notFinite, powerOfTwo, reciprocalRoot, reductions, rootOf, tile } from '../kernel.ts';
import { jacobi } from './jacobi.ts';

/** Eigenvalues and eigenvectors of matrices up to 32 × 32, each in the memory of one workgroup. */
export const eighSmall = (n: number, batch: number, input: Place, output: Place): Dispatch =>
  kernel(
    `eigh ${n}`,
    [bound('X', 'u32', input), bound('Y', 'f32', output)],
    module,
    `  eigh(rootOf(arrayLength(&X) / batch), batch, matrix, t);`,
    1,
    batch,
  );

const module = `
${reductions}${reciprocalRoot}${powerOfTwo}${rootOf}${jacobi}
var<workgroup> ranks: array<u32, ${tile}>;

/** The symmetric part of the input, scaled. */
fn load(n: u32, base: u32, half: f32, t: u32) {
  for (var e = t; e < ${tile * tile}u; e += 256u) {
    let i = e / ${tile}u;
    let j = e % ${tile}u;
    A[e] = 0.0;
    if (i < n && j < n) { A[e] = half * bitcast<f32>(X[base + i * n + j]) + half * bitcast<f32>(X[base + j * n + i]); }
  }
  workgroupBarrier();
}

/** A ← ½(B + Bᵀ) for B = VᵀAV. */
fn congruence(N: u32, t: u32) {
  for (var e = t; e < N * ${tile}u; e += 256u) {
    var sum = 0.0;
    for (var k = 0u; k < N; k++) { sum += A[(e / ${tile}u) * ${tile}u + k] * V[k * ${tile}u + e % ${tile}u]; }
    W[e] = sum;
  }
  workgroupBarrier();
  for (var e = t; e < N * ${tile}u; e += 256u) {
    let i = e / ${tile}u;
    let j = e % ${tile}u;
    if (j >= N) { continue; }
    var sum = 0.0;
    for (var k = 0u; k < N; k++) { sum += V[k * ${tile}u + i] * W[k * ${tile}u + j] + V[k * ${tile}u + j] * W[k * ${tile}u + i]; }
    A[e] = 0.5 * sum;
  }
  workgroupBarrier();
}

fn eigh(n: u32, batch: u32, matrix: u32, t: u32) {
  // Even: every index meets another one.
  let N = n + n % 2u;
  let base = matrix * n * n;
  let vectors = batch * n + base;
  var bits = 0u;
  for (var e = t; e < n * n; e += 256u) { bits = max(bits, X[base + e] & 0x7fffffffu); }
  bits = maximumOver(t, bits);
  if (${notFinite('bits')}) {
    let nan = bitcast<f32>(bits | 0x7fc00000u);
    if (t < n) { Y[matrix * n + t] = nan; }
    for (var e = t; e < n * n; e += 256u) { Y[vectors + e] = nan; }
    return;
  }
  let scale = powerOfTwo(bits);
  load(n, base, 0.5 * scale, t);
  for (var e = t; e < N * ${tile}u; e += 256u) { V[e] = select(0.0, 1.0, e / ${tile}u == e % ${tile}u); }
  workgroupBarrier();
  sweeps(N, 16u, t);
  polish(N, t);
  // Once more, from the matrix itself in the basis found: what rounding has added up to on the way is gone.
  load(n, base, 0.5 * scale, t);
  congruence(N, t);
  sweeps(N, 4u, t);
  polish(N, t);
  if (t < n) {
    let own = A[t * ${tile}u + t];
    var rank = 0u;
    for (var i = 0u; i < n; i++) {
      let other = A[i * ${tile}u + i];
      rank += select(0u, 1u, other < own || (other == own && i < t));
    }
    ranks[t] = rank;
    Y[matrix * n + rank] = own / scale;
  }
  workgroupBarrier();
  for (var e = t; e < n * n; e += 256u) { Y[vectors + (e / n) * n + ranks[e % n]] = V[(e / n) * ${tile}u + e % n]; }
}
`;
