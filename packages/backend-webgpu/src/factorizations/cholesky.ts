import type { Factorization } from '../dispatch.ts';
import { bound, kernel, rootOf, tile, tilesOf } from './kernel.ts';

/**
 * Lower triangular L with LLᵀ = A [batch, n, n], from the lower triangle of A; all NaN where A is not positive definite. Panels of
 * 32 columns, one dispatch each: a workgroup brings its own tile and the one on the diagonal up to date, factors that one (every
 * workgroup does, which saves a dispatch), and solves for its own.
 */
export function cholesky({ n, batch }: { readonly n: number; readonly batch: number }): Factorization {
  const tiles = tilesOf(n);
  return {
    scratch: [batch],
    dispatches: ({ inputs: [a], output, scratch: [failed] }) =>
      a === undefined || failed === undefined
        ? []
        : Array.from({ length: tiles }, (_, panel) =>
            kernel(
              `cholesky ${n}`,
              [bound('A', 'u32', a), bound('L', 'f32', output), bound('failed', 'u32', failed)],
              panelModule,
              // The panels before this one are those that no workgroup stands for.
              `  let n = rootOf(arrayLength(&A) / batch);
  panel(n, matrix, (n + ${tile - 1}u) / ${tile}u - groups.x, group.x, t);`,
              tiles - panel,
              batch,
            ),
          ),
  };
}

const panelModule = `${rootOf}
var<workgroup> own: array<f32, ${tile * tile}>;
var<workgroup> pivotal: array<f32, ${tile * tile}>;
var<workgroup> bad: u32;

fn valueOfL(n: u32, base: u32, i: u32, j: u32) -> f32 {
  if (i < n && j < n) { return L[base + i * n + j]; }
  return 0.0;
}

/** Behind the edge stands the identity. */
fn valueOfA(n: u32, base: u32, i: u32, j: u32) -> f32 {
  if (i < n && j <= i) { return bitcast<f32>(A[base + i * n + j]); }
  return select(0.0, 1.0, i == j);
}

fn panel(n: u32, matrix: u32, p: u32, below: u32, t: u32) {
  let base = matrix * n * n;
  let j0 = p * ${tile}u;
  let i0 = j0 + below * ${tile}u;
  // Two by two entries for each invocation, of both tiles.
  let r = (t / 16u) * 2u;
  let c = (t % 16u) * 2u;
  var mine = vec4f();
  var top = vec4f();
  for (var k0 = 0u; k0 < j0; k0 += ${tile}u) {
    for (var e = t; e < ${tile * tile}u; e += 256u) {
      own[e] = valueOfL(n, base, i0 + e / ${tile}u, k0 + e % ${tile}u);
      pivotal[e] = valueOfL(n, base, j0 + e / ${tile}u, k0 + e % ${tile}u);
    }
    workgroupBarrier();
    var part = vec4f();
    var topPart = vec4f();
    for (var k = 0u; k < ${tile}u; k++) {
      let right = vec2f(pivotal[c * ${tile}u + k], pivotal[(c + 1u) * ${tile}u + k]);
      part += vec4f(own[r * ${tile}u + k] * right, own[(r + 1u) * ${tile}u + k] * right);
      topPart += vec4f(pivotal[r * ${tile}u + k] * right, pivotal[(r + 1u) * ${tile}u + k] * right);
    }
    mine += part;
    top += topPart;
    workgroupBarrier();
  }
  for (var e = 0u; e < 4u; e++) {
    let i = r + e / 2u;
    let j = c + e % 2u;
    own[i * ${tile}u + j] = valueOfA(n, base, i0 + i, j0 + j) - mine[e];
    pivotal[i * ${tile}u + j] = valueOfA(n, base, j0 + i, j0 + j) - top[e];
  }
  if (t == 0u) { bad = 0u; }
  workgroupBarrier();
  for (var j = 0u; j < ${tile}u; j++) {
    let pivot = pivotal[j * ${tile}u + j];
    let bits = bitcast<u32>(pivot);
    // Positive and finite.
    let good = bits - 1u < 0x7f7fffffu;
    let root = sqrt(select(1.0, pivot, good));
    workgroupBarrier();
    if (t < ${tile}u && t > j) { pivotal[t * ${tile}u + j] /= root; }
    if (t == j) {
      pivotal[j * ${tile}u + j] = root;
      if (!good) { bad = 1u; }
    }
    if (t >= ${tile}u && t < ${2 * tile}u) { own[(t - ${tile}u) * ${tile}u + j] /= root; }
    workgroupBarrier();
    for (var e = t; e < ${tile * tile}u; e += 256u) {
      let i = e / ${tile}u;
      let k = e % ${tile}u;
      if (k > j) {
        own[e] -= own[i * ${tile}u + j] * pivotal[k * ${tile}u + j];
        if (i >= k) { pivotal[e] -= pivotal[i * ${tile}u + j] * pivotal[k * ${tile}u + j]; }
      }
    }
    workgroupBarrier();
  }
  for (var e = t; e < ${tile * tile}u; e += 256u) {
    let i = e / ${tile}u;
    let j = e % ${tile}u;
    if (i0 + i < n && j0 + j < n) {
      if (below == 0u) {
        L[base + (i0 + i) * n + j0 + j] = select(0.0, pivotal[e], j <= i);
      } else {
        L[base + (i0 + i) * n + j0 + j] = own[e];
        L[base + (j0 + j) * n + i0 + i] = 0.0;
      }
    }
  }
  if (below != 0u) { return; }
  if (t == 0u) {
    if (p > 0u && failed[matrix] != 0u) { bad = 1u; }
    failed[matrix] = bad;
  }
  if (j0 + ${tile}u < n) { return; }
  // The last panel is one workgroup's: it can overwrite everything.
  storageBarrier();
  if (workgroupUniformLoad(&bad) != 0u) {
    for (var e = t; e < n * n; e += 256u) { L[base + e] = bitcast<f32>(0x7fc00000u | (bad - 1u)); }
  }
}
`;
