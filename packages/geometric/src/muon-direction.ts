import { chain, perTensor, type Setting, type Shape, type Tensor, type Transform } from '@opt/core';
import { ema } from '@opt/transforms';
import { evenRows, type Variance } from './even-rows.ts';
import { sides } from './matrix.ts';
import { type Equilibrate, equilibrate, renormalize } from './polar-stages.ts';
import { hasOutputRows, type Layout, type View } from './view.ts';

/** s of W ← W − ηs·O; see `muon`. */
export type Scale = 'keller' | 'moonlight' | 'spectral' | 'none';

export interface MuonDirectionOptions {
  readonly momentum: Setting;
  readonly nesterov: boolean;
  /** Added to the norm the iteration starts from. */
  readonly epsilon: Setting;
  readonly polar: (m: Tensor, epsilon: number, start: Tensor) => Tensor;
  readonly equilibrate?: Equilibrate;
  readonly renormalize?: boolean;
  readonly scale: Scale;
  readonly layout: Layout;
  /** The matrix, or the batch of them, a parameter is seen as. */
  readonly viewOf: (shape: Shape) => View;
  readonly variance?: Variance;
}

/** Muon's direction: s·msign of the running mean of gradients, and what may come before and after the polar factor. */
export function muonDirection(options: MuonDirectionOptions): Transform {
  const { momentum, nesterov, epsilon, polar, scale, layout, viewOf, variance } = options;
  const before = options.equilibrate ?? 'none';
  const scaled = variance === undefined ? (o: Tensor) => o.mul(shapeScale(scale, o.shape, layout)) : (o: Tensor) => o;
  const orthogonalize = perTensor({
    name: 'orthogonalize',
    hyper: { epsilon },
    apply({ update, hyper, site }) {
      const view = viewOf(update.shape);
      const X = view.fold(update);
      const start = before === 'none' ? X : equilibrate(X, before, layout, site.largest);
      const O = polar(start, site.epsilon, hyper.epsilon);
      return { update: view.unfold(scaled(options.renormalize ? renormalize(O) : O)) };
    },
  });
  const average = ema({ beta: momentum, nesterov, name: 'momentum' });
  return variance === undefined
    ? chain(average, orthogonalize)
    : chain(
        average,
        orthogonalize,
        evenRows(variance, { viewOf, layout }, (shape) => shapeScale(scale, shape, layout)),
      );
}

/** s for a matrix of this shape (the last two axes). */
export function shapeScale(scale: Scale, shape: Shape, layout: Layout): number {
  const [rows, columns] = sides({ shape });
  const [fanOut, fanIn] = hasOutputRows(layout) ? [rows, columns] : [columns, rows];
  switch (scale) {
    case 'keller':
      return Math.sqrt(Math.max(1, fanOut / fanIn));
    case 'moonlight':
      return 0.2 * Math.sqrt(Math.max(fanOut, fanIn));
    case 'spectral':
      return Math.sqrt(fanOut / fanIn);
    case 'none':
      return 1;
  }
}
