import { type Hyper, nonNegative, type Option, type Resolved, type Rule, rule, type Setting, type Shape, type Transform } from '@opt/core';
import { type DecayOnly, decay, decayOnlyOption } from './decay.ts';
import { descend } from './descend.ts';
import { type GeneralOptions, type GeneralTable, general, generalOptions } from './general.ts';

/** The options of an optimizer that is a direction, a learning rate, and weight decay apart from both. */
export interface DecoupledOptions extends GeneralOptions {
  /** η ≥ 0. */
  readonly learningRate?: Setting;
  /** λ ≥ 0, default 0: p ← p(1 − ηλ) before the step. */
  readonly weightDecay?: Setting;
  /** `'matrices'`: only parameters of two axes and more decay; null (default): all, biases and gains too. */
  readonly decayOnly?: DecayOnly;
}

/** How `resolve` reads them. */
export interface DecoupledTable extends GeneralTable {
  readonly learningRate: Option<Hyper>;
  readonly weightDecay: Option<Hyper>;
  readonly decayOnly: Option<DecayOnly>;
}

/** The table of these options, for an optimizer called `name`. */
export const decoupledOptions = (
  name: string,
  defaults: { readonly learningRate: number; readonly weightDecay?: number },
): DecoupledTable => ({
  ...generalOptions(name),
  learningRate: nonNegative(defaults.learningRate),
  weightDecay: nonNegative(defaults.weightDecay ?? 0),
  decayOnly: decayOnlyOption,
});

/** p ← p(1 − ηλ), then p ← p − η·u with a direction u, inside the general stages; `rateOf`: what λ is multiplied by, by shape. */
export function decoupled(options: Resolved<DecoupledTable>, direction: Transform, rateOf: ((shape: Shape) => number) | null = null): Rule {
  const { learningRate, weightDecay, decayOnly } = options;
  return general(options, rule(direction, decay({ learningRate, weightDecay, decayOnly, rateOf }), descend({ learningRate })));
}
