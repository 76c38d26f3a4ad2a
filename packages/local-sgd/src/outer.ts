import { flag, nonNegative, type Rule, resolve, rule, type Setting, unit } from '@opt/core';
import { descend, momentum } from '@opt/transforms';

export interface DilocoOptions {
  /** η ≥ 0, default 0.7; a schedule counts outer steps. */
  readonly outerLearningRate?: Setting;
  /** μ in [0, 1), default 0.9; `muloco`: 0.6. */
  readonly outerMomentum?: Setting;
  /** Look ahead: d = Δ + μb. Default true. */
  readonly nesterov?: boolean;
}

/**
 * DiLoCo's outer optimizer (Douillard et al. 2023, section 2): Nesterov momentum over pseudo-gradients,
 *
 *     b ← μb + Δ     d = Δ + μb, or b     a ← a − ηd
 *
 * with momentum as in torch.optim.SGD. An ordinary rule: any other can stand in its place.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option
 */
export function diloco(options: DilocoOptions = {}): Rule {
  return nesterovRule('diloco', options, 0.9);
}

/** MuLoCo's (Thérien et al. 2025, with Muon as inner optimizer): the same with μ = 0.6. */
export function muloco(options: DilocoOptions = {}): Rule {
  return nesterovRule('muloco', options, 0.6);
}

/**
 * SparseLoCo's and DeMo's: a ← a − ηΔ, without momentum, which error feedback makes up for.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option
 */
export function sparseLoco(options: Pick<DilocoOptions, 'outerLearningRate'> = {}): Rule {
  const { outerLearningRate } = resolve('sparseLoco', options, { outerLearningRate: nonNegative(1) });
  return rule(descend({ learningRate: outerLearningRate }));
}

function nesterovRule(name: string, options: DilocoOptions, mu: number): Rule {
  const { outerLearningRate, outerMomentum, nesterov } = resolve(name, options, {
    outerLearningRate: nonNegative(0.7),
    outerMomentum: unit(mu),
    nesterov: flag(true),
  });
  return rule(momentum({ momentum: outerMomentum, nesterov }), descend({ learningRate: outerLearningRate }));
}
