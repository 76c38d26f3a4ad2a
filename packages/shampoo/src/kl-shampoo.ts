import { message, OptionTypeError, type Rule, text } from '@opt/core';
import { klSoap, type SoapOptions, soap } from '@opt/soap';

/** `soap`'s options but for what makes it KL-Shampoo. */
export type KlShampooOptions = Omit<SoapOptions, 'factor' | 'inner' | 'secondMomentOf' | 'denominator'>;

/**
 * KL-Shampoo (Lin et al. 2025): the momentum whitened by the running eigenvalues e of factors that whiten one another,
 *
 *     D = unproject(m/(√(Π_k e_k) + ε))     p ← p − η·D     p ← p − ηλp
 *
 * in the bases of `soap` with `factor: 'kl'`, β₁ 0.9 and β₂ 0.98; state keys begin with 'kl-shampoo'. Adam where there is no basis. Until the factors
 * have balanced, after some 1/(1−β₂) steps, a step is too long or too short by what `initialEigenvalue` is wrong by.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function klShampoo(options: KlShampooOptions = {}): Rule {
  if (typeof options !== 'object' || options === null) throw new OptionTypeError(message('kl-shampoo', 'options', 'an object', options));
  const name = text('kl-shampoo')(options.name, 'kl-shampoo', 'name');
  return soap({ ...klSoap, ...options, name, inner: 'whiten' });
}
