import { flag, integer, nonNegative, type Rule, requiredRule, resolve, rule, type Setting, text, unit } from '@opt/core';
import { descend, momentum } from '@opt/transforms';
import { outerSteps } from './outer-steps.ts';

export interface OuterNesterovOptions {
  /** Any optimizer. Its state is neither averaged nor reset. */
  readonly base: Rule;
  /** H: steps of `base` between outer steps, integer ≥ 1, default 30. */
  readonly every?: number;
  /** η ≥ 0, default 0.7; a schedule counts outer steps. */
  readonly outerLearningRate?: Setting;
  /** μ in [0, 1), default 0.6. */
  readonly outerMomentum?: Setting;
  /** Look ahead: d = Δ + μb. Default true. */
  readonly nesterov?: boolean;
  /** Prefix of state keys, default 'outer-nesterov'. */
  readonly name?: string;
}

/**
 * MuLoCo with one worker (Thérien et al. 2025): every H steps the way θ has gone from the anchor a is taken for a gradient of its own,
 *
 *     Δ = a − θ     b ← μb + Δ     d = Δ + μb, or b     a ← a − ηd     θ ← a
 *
 * a starts at the parameter. η = 1 and μ = 0 change nothing.
 *
 * Source: bentherien/muloco-1, muloco.py, with momentum as in torch.optim.SGD.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option
 */
export function outerNesterov(options: OuterNesterovOptions): Rule {
  const { base, every, name, outerLearningRate, outerMomentum, nesterov } = resolve('outer-nesterov', options, {
    base: requiredRule,
    every: integer(30),
    outerLearningRate: nonNegative(0.7),
    outerMomentum: unit(0.6),
    nesterov: flag(true),
    name: text('outer-nesterov'),
  });
  const outer = rule(momentum({ momentum: outerMomentum, nesterov }), descend({ learningRate: outerLearningRate }));
  return outerSteps({ base, outer, every, name });
}
