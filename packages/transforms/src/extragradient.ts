import { nonNegative, perTensor, type Rule, resolve, rule, type Setting } from '@opt/core';
import { descend } from './descend.ts';
import { type GeneralOptions, general, generalOptions } from './general.ts';

export interface ExtragradientOptions extends GeneralOptions {
  /** η ≥ 0, default 0.01: of the step that looks ahead and of the one that is taken. */
  readonly learningRate?: Setting;
}

/**
 * Extragradient (Korpelevich 1976): p ← p − η·∇f(p − η·g), the gradient of the same batch half a step ahead, for games and saddle points.
 * `step` wants an objective whose `gradients(at)` heeds `at`: it is asked twice.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function extragradient(options: ExtragradientOptions = {}): Rule {
  const o = resolve('extragradient', options, { ...generalOptions('extragradient'), learningRate: nonNegative(0.01) });
  const { learningRate, name } = o;
  const ahead = perTensor({
    name,
    hyper: { learningRate },
    needs: [{ what: 'gradient', evaluated: 'shifted' }],
    apply: ({ update: g, owner, site, hyper: h }) => ({
      update: site.evaluate('ahead', owner, { want: 'gradient', shift: g.mul(h.learningRate).neg() }),
    }),
  });
  return general(o, rule(ahead, descend({ learningRate })));
}
