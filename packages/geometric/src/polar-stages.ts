import { saturate, scaled, size, type Tensor } from '@opt/core';
import { sides, total } from './matrix.ts';
import { hasOutputRows, type Layout } from './view.ts';

/** What is made equally long before the polar factor. */
export type Equilibrate = 'none' | 'rows' | 'columns';

/** What is shorter than this is not lengthened any further; absolute, as in nanochat. */
const shortest = 1e-6;

/** The axis a row (all weights of an output) or a column (of an input) is summed over, in storage. */
export const summedOver = (what: 'rows' | 'columns', layout: Layout): -1 | -2 => ((what === 'rows') === hasOutputRows(layout) ? -1 : -2);

/**
 * Every row as long as the root mean square of all m of them: X_i ← X_i·τ/max(‖X_i‖, 10⁻⁶), τ = ‖X‖_F/√m; columns alike. X: a matrix, or
 * a batch of them; rows are outputs. What is 0 stays 0.
 */
export function equilibrate(x: Tensor, what: Exclude<Equilibrate, 'none'>, layout: Layout, most: number): Tensor {
  // A row can become as long as all of them.
  const within = saturate(x, most, 1, size(x.shape));
  const { root, by } = scaled([within], [-2, -1]);
  const y = by(within);
  const squares = y.square().sum([summedOver(what, layout)], { keep: true });
  const tau = total(squares)
    .div(Math.max(...sides(squares)))
    .sqrt();
  // Below the second limit squares may have vanished.
  const length = squares.sqrt().max(root.reciprocal().mul(shortest).div(root)).max(1e-18);
  return y.mul(tau.div(length)).mul(root).mul(root);
}

/** A polar factor as long as an exact one of full rank: O·√min(m, n)/max(‖O‖_F, 10⁻⁶). */
export function renormalize(o: Tensor): Tensor {
  const length = total(o.square()).sqrt().max(shortest);
  return o.mul(length.reciprocal().mul(Math.sqrt(Math.min(...sides(o)))));
}
