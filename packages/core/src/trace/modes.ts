import { type Shape, size } from '../program/shape.ts';
import { axisOf } from './emit.ts';
import type { MatmulOptions, Tensor } from './tensor.ts';

/** A tensor seen along one axis, without moving its elements: how much lies before it, on it, after it. */
function split(x: { readonly shape: Shape }, axis: number): readonly [before: number, d: number, after: number] {
  const k = axisOf('along an axis', axis, x.shape);
  return [size(x.shape.slice(0, k)), x.shape[k] ?? 1, size(x.shape.slice(k + 1))];
}

/** M (or Mᵀ) times every fibre of x along an axis; M [d, d], d the length of the axis. */
export function alongAxis(x: Tensor, axis: number, M: Tensor, { transpose = false }: { readonly transpose?: boolean } = {}): Tensor {
  const [before, d, after] = split(x, axis);
  const product =
    after === 1
      ? x.reshape([before, d]).matmul(M, { transposeB: !transpose })
      : M.matmul(x.reshape(before === 1 ? [d, after] : [before, d, after]), { transposeA: transpose });
  return product.reshape(x.shape);
}

/** The unfolding of x along an axis, [d, all the rest], and the way back. */
export function unfolding(x: Tensor, axis: number): { readonly matrix: Tensor; fold(matrix: Tensor): Tensor } {
  const [before, d, after] = split(x, axis);
  const { shape } = x;
  if (before === 1) return { matrix: x.reshape([d, after]), fold: (matrix) => matrix.reshape(shape) };
  if (after === 1) return { matrix: x.reshape([before, d]).T, fold: (matrix) => matrix.T.reshape(shape) };
  const apart = x.reshape([before, d, after]).transpose([1, 0, 2]);
  return {
    matrix: apart.reshape([d, before * after]),
    fold: (matrix) => matrix.reshape([d, before, after]).transpose([1, 0, 2]).reshape(shape),
  };
}

/** alpha·X·Xᵀ + beta·add of the unfolding X of x along an axis: symmetric, [d, d]. */
export function axisGram(x: Tensor, axis: number, options: Omit<MatmulOptions, 'transposeA' | 'transposeB'> = {}): Tensor {
  const { matrix } = unfolding(x, axis);
  return matrix.matmul(matrix, { transposeB: true, ...options });
}
