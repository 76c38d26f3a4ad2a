import {
  choice,
  concat,
  concatenated,
  fixed,
  full,
  integer,
  nonNegative,
  optional,
  perTensor,
  type Rule,
  resolve,
  rule,
  type Setting,
  size,
  type Transform,
} from '@opt/core';
import { type GeneralOptions, general, generalOptions } from '@opt/transforms';
import { lbfgsDirection, standing } from './lbfgs-direction.ts';

export interface LbfgsOptions extends GeneralOptions {
  /** η ≥ 0, default 1: the length of a step as a multiple of d, or with a line search the one it tries first. */
  readonly learningRate?: Setting;
  /** Iterations of one step, integer ≥ 1, default 20. */
  readonly maxIter?: number;
  /** Evaluations of one step, integer ≥ 1, default null: ⌊1.25·maxIter⌋. With a line search one more may be made. */
  readonly maxEval?: number | null;
  /** A step ends where max|g| is at most this, default 1e-7. */
  readonly toleranceGrad?: number;
  /** A step ends where the slope gᵀd, max|a·d| or the change of the loss is smaller, default 1e-9. */
  readonly toleranceChange?: number;
  /** h, integer ≥ 1, default 100: pairs that are kept, 2h numbers for each of the model. */
  readonly historySize?: number;
  /** How far to go along d: by η alone (null, default), or until the strong Wolfe conditions hold (c₁ = 10⁻⁴, c₂ = 0.9). */
  readonly lineSearch?: 'strongWolfe' | null;
}

const tolerance = { rule: 'a finite number >= 0', holds: (x: number): boolean => Number.isFinite(x) && x >= 0 };

/**
 * Limited-memory BFGS (Liu & Nocedal 1989), several iterations in one step, on all parameters as one vector x. In each,
 *
 *     s = xₖ − xₖ₋₁    y = gₖ − gₖ₋₁    d = −Hₖgₖ    x ← x + a·d
 *
 * Hₖ is γI, γ = sᵀy/yᵀy, corrected by the last h pairs with sᵀy > 10⁻¹⁰; a is η, in the very first iteration η·min(1, 1/Σ|g|), or what the
 * line search finds. `step` wants an objective whose `loss(at)` and `gradients(at)` heed `at`, on the whole data or one and the same batch for
 * all of a step: pairs outlive it, and y across batches is the difference of two functions.
 *
 * A loss that is NaN or infinite where a step begins drops it; within a search it is a trial that went too far; without a search the step ends
 * before it. All tolerances are absolute: scale the loss accordingly. A parameter without a gradient stands still.
 *
 * Source: torch.optim.LBFGS 2.13, line_search_fn 'strong_wolfe'.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function lbfgs(options: LbfgsOptions = {}): Rule {
  const o = resolve('lbfgs', options, {
    ...generalOptions('lbfgs'),
    learningRate: nonNegative(1),
    maxIter: integer(20),
    maxEval: optional(integer(1)),
    toleranceGrad: fixed(1e-7, tolerance),
    toleranceChange: fixed(1e-9, tolerance),
    historySize: integer(100),
    lineSearch: optional(choice('strongWolfe', ['strongWolfe'])),
  });
  const maxEval = o.maxEval ?? Math.floor((5 * o.maxIter) / 4);
  return general(o, rule(standingStill(concatenated(lbfgsDirection({ ...o, maxEval, leastCurvature: () => 1e-10 }))), move));
}

/** p ← p − gain·u. */
export const move: Transform = perTensor({
  name: 'move',
  apply: ({ update: u, parameter: p, gain }) => ({ parameter: p.sub(gain === undefined ? u : u.mul(gain)) }),
});

/** Tells what is inside which elements belong to parameters without a gradient. */
const standingStill = (inner: Transform): Transform => ({
  ...inner,
  apply(flow, site) {
    const shapes = Object.entries(flow.parameters);
    if (shapes.every(([name]) => name in flow.updates)) return inner.apply(flow, site);
    const ones = concat(shapes.map(([name, { shape }]) => full([size(shape)], name in flow.updates ? 1 : 0)));
    return inner.apply(flow, site.child('', { extras: { ...site.extras, [standing]: ones } }));
  },
});
