import { chain, perTensor, type Setting, type Shape, type Tensor, type Transform } from '@opt/core';
import { ema } from '@opt/transforms';
import type { Layout, View } from './view.ts';

/** s of W ← W − ηs·O; see `muon`. */
export type Scale = 'keller' | 'moonlight' | 'spectral' | 'none';

export interface MuonDirectionOptions {
  readonly momentum: Setting;
  readonly nesterov: boolean;
  /** Added to the norm the iteration starts from. */
  readonly epsilon: Setting;
  readonly polar: (m: Tensor, epsilon: number, start: Tensor) => Tensor;
  readonly scale: Scale;
  readonly layout: Layout;
  /** The matrix, or the batch of them, a parameter is seen as. */
  readonly viewOf: (shape: Shape) => View;
}

/** Muon's direction: s·msign of the running mean of gradients. */
export function muonDirection({ momentum, nesterov, epsilon, polar, scale, layout, viewOf }: MuonDirectionOptions): Transform {
  const orthogonalize = perTensor({
    name: 'orthogonalize',
    hyper: { epsilon },
    apply({ update, hyper, site }) {
      const view = viewOf(update.shape);
      const factor = shapeScale(scale, view.shape, layout);
      return { update: view.unfold(polar(view.fold(update), site.epsilon, hyper.epsilon).mul(factor)) };
    },
  });
  return chain(ema({ beta: momentum, nesterov, name: 'momentum' }), orthogonalize);
}

/** s for a matrix of this shape (the last two axes). */
export function shapeScale(scale: Scale, shape: Shape, layout: Layout): number {
  const [rows = 1, columns = 1] = shape.slice(-2);
  const [fanOut, fanIn] = layout === 'out-in' ? [rows, columns] : [columns, rows];
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
