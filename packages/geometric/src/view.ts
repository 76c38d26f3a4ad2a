import { type About, choice, divide, type Option, optional, type Shape, size, type Tensor, type Transform } from '@opt/core';
import type { Manifold } from './manifold.ts';

/** A parameter seen as a matrix, or as a batch of matrices: `fold` brings it into `shape`, `unfold` back. */
export interface View {
  readonly shape: Shape;
  fold(x: Tensor): Tensor;
  unfold(x: Tensor): Tensor;
}

/**
 * Storage order: rows are outputs and kernels [out, in, k…], or rows are inputs and kernels [k…, in, out], or rows are outputs and
 * kernels [k…, out, in].
 */
export type Layout = 'out-in' | 'in-out' | 'taps-out-in';
export type Convolution = 'flatten' | 'per-tap';
export type Axis = 'rows' | 'columns';

/** How `resolve` reads `layout`. */
export const layoutOption: Option<Layout | null> = optional(choice<Layout>('out-in', ['out-in', 'in-out', 'taps-out-in']));

/** Whether rows of a parameter's view are outputs, and columns inputs. */
export const hasOutputRows = (layout: Layout): boolean => layout !== 'in-out';

/** The layout of a parameter: the one that was asked for, else as its model says, else 'out-in'. */
export const layoutOf = (given: Layout | null, about: About): Layout => given ?? about.layout ?? 'out-in';

/** Every parameter to the stage that `make` gives for its layout. The stages must share their hyperparameters. */
export const byLayout = (given: Layout | null, make: (layout: Layout) => Transform): Transform =>
  given === null
    ? divide({ 'out-in': make('out-in'), 'in-out': make('in-out'), 'taps-out-in': make('taps-out-in') }, (_, __, about) =>
        layoutOf(given, about),
      )
    : make(given);

const reshaped = (from: Shape, to: Shape): View => ({ shape: to, fold: (x) => x.reshape(to), unfold: (x) => x.reshape(from) });

/**
 * A kernel of rank ≥ 3 as one matrix, [out, in·k…], [k…·in, out] or [k…·out, in] (`'flatten'`), or as one channel matrix per tap,
 * [taps, out, in] or [taps, in, out] (`'per-tap'`). Matrices stay.
 */
export function kernelView(shape: Shape, layout: Layout, convolution: Convolution): View {
  if (shape.length < 3) return reshaped(shape, shape);
  const [first = 1, second = 1] = shape;
  const [rows = 1, columns = 1] = shape.slice(-2);
  if (layout !== 'out-in') {
    return reshaped(shape, convolution === 'flatten' ? [size(shape) / columns, columns] : [size(shape) / (rows * columns), rows, columns]);
  }
  if (convolution === 'flatten') return reshaped(shape, [first, size(shape) / first]);
  const taps = size(shape) / (first * second);
  return {
    shape: [taps, first, second],
    fold: (x) => x.reshape([first, second, taps]).transpose([2, 0, 1]),
    unfold: (x) => x.transpose([1, 2, 0]).reshape(shape),
  };
}

/** `kernelView`, for vectors and scalars too: as a column. */
export function matrixView(shape: Shape, layout: Layout, convolution: Convolution): View {
  return shape.length < 2 ? reshaped(shape, [shape[0] ?? 1, 1]) : kernelView(shape, layout, convolution);
}

/** A matrix as a batch of equal blocks of its rows (attention heads of an [out, in] weight) or of its columns. */
export function blockView(shape: Shape, axis: Axis, blocks: number): View {
  const [m = 1, n = 1] = shape.slice(-2);
  if (blocks === 1) return reshaped(shape, shape);
  const batch = shape.slice(0, -2);
  if (axis === 'rows') return reshaped(shape, [size(batch) * blocks, m / blocks, n]);
  const count = size(batch);
  return {
    shape: [count * blocks, m, n / blocks],
    fold: (x) =>
      x
        .reshape([count, m, blocks, n / blocks])
        .transpose([0, 2, 1, 3])
        .reshape([count * blocks, m, n / blocks]),
    unfold: (x) =>
      x
        .reshape([count, blocks, m, n / blocks])
        .transpose([0, 2, 1, 3])
        .reshape(shape),
  };
}

/** First `outer`, then `inner` on what it gives. */
export function composed(shape: Shape, outer: (shape: Shape) => View, inner: (shape: Shape) => View): View {
  const first = outer(shape);
  const second = inner(first.shape);
  return { shape: second.shape, fold: (x) => second.fold(first.fold(x)), unfold: (x) => first.unfold(second.unfold(x)) };
}

/** The manifold of parameters whose view lies on `inner`. */
export function viewed(inner: Manifold, viewOf: (shape: Shape) => View): Manifold {
  const { lmo } = inner;
  return {
    name: inner.name,
    refuses: (shape) => inner.refuses(viewOf(shape).shape),
    tangent(w, u) {
      const { fold, unfold } = viewOf(w.shape);
      return unfold(inner.tangent(fold(w), fold(u)));
    },
    ...(lmo && {
      lmo(w: Tensor, xi: Tensor, epsilon: number): Tensor {
        const { fold, unfold } = viewOf(w.shape);
        return unfold(lmo(fold(w), fold(xi), epsilon));
      },
    }),
    retract(w, a, rate, epsilon) {
      const { fold, unfold } = viewOf(w.shape);
      return unfold(inner.retract(fold(w), fold(a), rate, epsilon));
    },
    project(w, epsilon) {
      const { fold, unfold } = viewOf(w.shape);
      return unfold(inner.project(fold(w), epsilon));
    },
    error: (w) => inner.error(viewOf(w.shape).fold(w)),
  };
}
