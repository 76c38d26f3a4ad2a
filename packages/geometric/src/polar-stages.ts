import type { Tensor } from '@opt/core';
import { largest, nonZero, sides, total } from './matrix.ts';
import type { Layout } from './view.ts';

/** What is made equally long before the polar factor. */
export type Equilibrate = 'none' | 'rows' | 'columns';

/** What is shorter than this is not lengthened any further; absolute, as in nanochat. */
const shortest = 1e-6;

/** The axis a row (all weights of an output) or a column (of an input) is summed over, in storage. */
export const summedOver = (what: 'rows' | 'columns', layout: Layout): -1 | -2 => ((what === 'rows') === (layout === 'out-in') ? -1 : -2);

/**
 * Every row as long as the root mean square of all m of them: X_i ← X_i·τ/max(‖X_i‖, 10⁻⁶), τ = ‖X‖_F/√m; columns alike. X: a matrix, or
 * a batch of them; rows are outputs. What is 0 stays 0.
 */
export function equilibrate(x: Tensor, what: Exclude<Equilibrate, 'none'>, layout: Layout): Tensor {
  const s = nonZero(largest(x.abs()));
  const squares = x
    .div(s)
    .square()
    .sum([summedOver(what, layout)], { keep: true });
  const tau = total(squares)
    .div(Math.max(...sides(squares)))
    .sqrt();
  // In units of s, so that nothing overflows on the way; the second limit only stands for a first one that vanishes.
  const length = squares.sqrt().max(s.reciprocal().mul(shortest)).max(1e-30);
  return x.mul(tau.div(length));
}

/** A polar factor as long as an exact one of full rank: O·√min(m, n)/max(‖O‖_F, 10⁻⁶). */
export function renormalize(o: Tensor): Tensor {
  const length = total(o.square()).sqrt().max(shortest);
  return o.mul(length.reciprocal().mul(Math.sqrt(Math.min(...sides(o)))));
}
