import type { Factorization } from '../dispatch.ts';
import { bound, kernel, rootOf, tile, tilesOf } from './kernel.ts';

/**
 * L⁻¹B, or L⁻ᵀB, for lower triangular L [batch, n, n] and B [batch, n, columns]; what stands above the diagonal is not read. A
 * workgroup solves for 32 columns, 32 rows at a time: what the solved rows contribute, then the tile on the diagonal.
 */
export function solveTriangular({
  n,
  columns,
  batch,
  transpose,
}: {
  readonly n: number;
  readonly columns: number;
  readonly batch: number;
  readonly transpose: boolean;
}): Factorization {
  return {
    scratch: [],
    dispatches: ({ inputs: [l, b], output }) =>
      l === undefined || b === undefined
        ? []
        : [
            kernel(
              `solveTriangular ${n} × ${columns}`,
              [bound('L', 'f32', l), bound('B', 'f32', b), bound('X', 'f32', output)],
              solveModule(transpose),
              `  let n = rootOf(arrayLength(&L) / batch);
  let columns = arrayLength(&B) / (batch * n);
  for (var c0 = group.x * ${tile}u; c0 < columns; c0 += groups.x * ${tile}u) { solve(n, columns, matrix, c0, t); }`,
              tilesOf(columns),
              batch,
            ),
          ],
  };
}

const solveModule = (transpose: boolean): string => `${rootOf}
var<workgroup> factor: array<f32, ${tile * tile}>;
var<workgroup> solved: array<f32, ${tile * tile}>;

/** Entry of op(L); behind the edge stands the identity. */
fn valueOfL(n: u32, base: u32, i: u32, j: u32) -> f32 {
  if (max(i, j) >= n) { return select(0.0, 1.0, i == j); }
  ${transpose ? 'if (j < i) { return 0.0; }\n  return L[base + j * n + i];' : 'if (j > i) { return 0.0; }\n  return L[base + i * n + j];'}
}

fn solve(n: u32, columns: u32, matrix: u32, c0: u32, t: u32) {
  let steps = (n + ${tile - 1}u) / ${tile}u;
  let base = matrix * n * n;
  let side = matrix * n * columns;
  let r = (t / 16u) * 2u;
  let c = (t % 16u) * 2u;
  for (var step = 0u; step < steps; step++) {
    let i0 = ${transpose ? `(steps - 1u - step)` : 'step'} * ${tile}u;
    var sum = vec4f();
    for (var done = 0u; done < step; done++) {
      let k0 = ${transpose ? `(steps - 1u - done)` : 'done'} * ${tile}u;
      for (var e = t; e < ${tile * tile}u; e += 256u) {
        let k = k0 + e / ${tile}u;
        let j = c0 + e % ${tile}u;
        // Neighbours in memory are read by neighbours.
        ${
          transpose
            ? `factor[(e % ${tile}u) * ${tile}u + e / ${tile}u] = valueOfL(n, base, i0 + e % ${tile}u, k0 + e / ${tile}u);`
            : `factor[e] = valueOfL(n, base, i0 + e / ${tile}u, k0 + e % ${tile}u);`
        }
        solved[e] = 0.0;
        if (k < n && j < columns) { solved[e] = X[side + k * columns + j]; }
      }
      workgroupBarrier();
      var part = vec4f();
      for (var k = 0u; k < ${tile}u; k++) {
        let right = vec2f(solved[k * ${tile}u + c], solved[k * ${tile}u + c + 1u]);
        part += vec4f(factor[r * ${tile}u + k] * right, factor[(r + 1u) * ${tile}u + k] * right);
      }
      sum += part;
      workgroupBarrier();
    }
    for (var e = t; e < ${tile * tile}u; e += 256u) { factor[e] = valueOfL(n, base, i0 + e / ${tile}u, i0 + e % ${tile}u); }
    for (var e = 0u; e < 4u; e++) {
      let i = i0 + r + e / 2u;
      let j = c0 + c + e % 2u;
      var right = 0.0;
      if (i < n && j < columns) { right = B[side + i * columns + j]; }
      solved[(r + e / 2u) * ${tile}u + c + e % 2u] = right - sum[e];
    }
    workgroupBarrier();
    for (var at = 0u; at < ${tile}u; at++) {
      let k = ${transpose ? `${tile - 1}u - at` : 'at'};
      if (t < ${tile}u) { solved[k * ${tile}u + t] /= factor[k * ${tile}u + k]; }
      workgroupBarrier();
      for (var e = t; e < ${tile * tile}u; e += 256u) {
        let i = e / ${tile}u;
        if (${transpose ? 'i < k' : 'i > k'}) { solved[e] -= factor[i * ${tile}u + k] * solved[k * ${tile}u + e % ${tile}u]; }
      }
      workgroupBarrier();
    }
    for (var e = t; e < ${tile * tile}u; e += 256u) {
      let i = i0 + e / ${tile}u;
      let j = c0 + e % ${tile}u;
      if (i < n && j < columns) { X[side + i * columns + j] = solved[e]; }
    }
    storageBarrier();
    workgroupBarrier();
  }
}
`;
