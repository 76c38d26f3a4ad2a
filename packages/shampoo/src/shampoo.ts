import {
  choice,
  fixed,
  flag,
  integer,
  message,
  OptionRangeError,
  optional,
  positive,
  type Rule,
  resolve,
  type Setting,
  unit,
  within,
} from '@opt/core';
import { type DecoupledOptions, decoupled, decoupledOptions } from '@opt/transforms';
import { type Grafting, graftingOption } from './grafting.ts';
import type { Sides } from './inverse-root.ts';
import { shampooDirection } from './shampoo-direction.ts';

export interface ShampooOptions extends DecoupledOptions {
  /** η ≥ 0, default 0.01. */
  readonly learningRate?: Setting;
  /** β₁ of the momentum, [0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** β₂ of the factors, (0, 1]; default 1: their sum, with an effective rate that falls as 1/√t. */
  readonly beta2?: Setting;
  /** ε > 0 added to the eigenvalues, which have the unit of ‖G‖²; default 1e-12. With β₂ < 1 use 1e-8 or more, in f32 10⁻⁶ of the largest. */
  readonly epsilon?: Setting;
  /** f: steps between new roots, integer ≥ 1, default 1. */
  readonly preconditionFrequency?: number;
  /** s: the first step that is preconditioned, integer ≥ f; default null, f. */
  readonly startStep?: number | null;
  /** Correct the bias of momentum and factors, default true. */
  readonly correctBias?: boolean;
  /** p of A^(−p), (0, 1]; default null: ½ on the one side of a matrix, else 1/(2r) with r the rank. */
  readonly exponent?: number | null;
  /** Which sides of a matrix have a factor; default 'both'. 'shorter': the one with fewer entries, left on a tie. */
  readonly sides?: Sides;
  /** Longer axes have no factor, integer ≥ 1, default 1024; an axis of d costs 8d² bytes. */
  readonly maxPreconditionDim?: number;
  /** Vectors have a factor, default true. */
  readonly precondition1d?: boolean;
  /** Whose length the direction is given, and who takes the steps before s; default { kind: 'none' }. */
  readonly grafting?: Grafting;
}

/**
 * Shampoo (Gupta et al. 2018; as facebookresearch/optimizers). With G₍k₎ the unfolding of G along axis k, t this stage's steps,
 *
 *     A_k ← β₂A_k + (1−β₂)G₍k₎G₍k₎ᵀ  (β₂ = 1: their sum)        B_k = (A_k/(1−β₂ᵗ) + εI)^(−p), at t = s and every f steps after it
 *     M ← β₁M + (1−β₁)G    F = M/(1−β₁ᵗ)    D = F times B_k along every axis    D ← D·‖graft(F)‖/‖D‖    W ← W − η(D + λW)
 *
 * The roots contain the current gradient. Before s, D = graft(F); with no grafting, F. A_k, B_k: [d_k, d_k], symmetric.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function shampoo(options: ShampooOptions = {}): Rule {
  const o = resolve('shampoo', options, {
    ...decoupledOptions('shampoo', { learningRate: 0.01 }),
    beta1: unit(0.9),
    beta2: within(1, { rule: 'in (0, 1]', holds: (x) => x > 0 && x <= 1 }),
    epsilon: positive(1e-12),
    preconditionFrequency: integer(1),
    startStep: optional(integer(1)),
    correctBias: flag(true),
    exponent: optional(fixed(0.25, { rule: 'in (0, 1]', holds: (x) => x > 0 && x <= 1 })),
    sides: choice('both', ['both', 'left', 'right', 'shorter']),
    maxPreconditionDim: integer(1024),
    precondition1d: flag(true),
    grafting: graftingOption,
  });
  const { preconditionFrequency, startStep } = o;
  if (startStep !== null && startStep < preconditionFrequency)
    throw new OptionRangeError(
      message(o.name, 'startStep', `null or an integer >= preconditionFrequency = ${preconditionFrequency}`, startStep),
    );
  return decoupled(o, shampooDirection({ ...o, startStep: startStep ?? preconditionFrequency }));
}
