import {
  choice,
  debias,
  type Hyper,
  message,
  type Option,
  OptionTypeError,
  positive,
  resolve,
  type Setting,
  type Shape,
  type Slot,
  type Tensor,
  unit,
} from '@opt/core';

/** Whose length a direction is given: none's, that of the momentum, of Adam's or of Adagrad's. */
export type Grafting =
  | { readonly kind: 'none' | 'sgd' }
  | { readonly kind: 'adam'; readonly beta2?: Setting; readonly epsilon?: Setting }
  | { readonly kind: 'adagrad'; readonly epsilon?: Setting };

/** `Grafting` after reading; hyperparameters are live as `grafting.beta2` and `grafting.epsilon`. */
export interface ResolvedGrafting {
  readonly kind: 'none' | 'sgd' | 'adam' | 'adagrad';
  readonly hyper: Readonly<Record<string, Hyper>>;
}

/** How `resolve` reads it. */
export const graftingOption: Option<ResolvedGrafting> = (value = { kind: 'none' }, rule, option) => {
  if (typeof value !== 'object' || value === null)
    throw new OptionTypeError(message(rule, option, "an object such as { kind: 'adam' }", value));
  const given = Object.fromEntries(Object.entries(value).map(([name, one]) => [`${option}.${name}`, one]));
  const { 'grafting.kind': kind } = resolve(rule, { 'grafting.kind': given['grafting.kind'] }, { 'grafting.kind': kinds });
  const { 'grafting.kind': _, ...rest } = given;
  if (kind === 'adam') {
    const read = resolve(rule, rest, { 'grafting.beta2': unit(0.999), 'grafting.epsilon': positive(1e-10) });
    return { kind, hyper: { graftingBeta2: read['grafting.beta2'], graftingEpsilon: read['grafting.epsilon'] } };
  }
  if (kind === 'adagrad') {
    const read = resolve(rule, rest, { 'grafting.epsilon': positive(1e-10) });
    return { kind, hyper: { graftingEpsilon: read['grafting.epsilon'] } };
  }
  resolve(rule, rest, {});
  return { kind, hyper: {} };
};
const kinds = choice('none', ['none', 'sgd', 'adam', 'adagrad']);

/** The mean square, or the sum of squares, that a length is taken from. */
export const graftingSlots = ({ kind }: ResolvedGrafting, shape: Shape): Record<string, Slot> =>
  kind === 'adam' || kind === 'adagrad' ? { v: { shape, kind: 'diagonal', nonNegative: true } } : {};

/** The gradient and the momentum of a step, v before it, t, and the largest number there is. */
export interface GraftedFrom {
  readonly G: Tensor;
  readonly F: Tensor;
  readonly v: Tensor | undefined;
  readonly t: Tensor;
  readonly largest: number;
}

export interface Grafted {
  /** graft(F), whose length counts. */
  readonly direction: Tensor;
  readonly state: Readonly<Record<string, Tensor>>;
}

/**
 * graft(F): F ('sgd'); F/(√(v/(1−βᵗ)) + ε) with v ← βv + (1−β)G² ('adam'); F/(√v + ε) with v ← v + G² ('adagrad').
 */
export function graft({ kind }: ResolvedGrafting, { G, F, v, t, largest }: GraftedFrom, hyper: Readonly<Record<string, Tensor>>): Grafted {
  const { graftingBeta2: beta2, graftingEpsilon: epsilon } = hyper;
  if (v === undefined || epsilon === undefined) return { direction: F, state: {} };
  if (kind === 'adagrad' || beta2 === undefined) {
    const v1 = v.add(G.square()).min(largest);
    return { direction: F.div(v1.sqrt().add(epsilon)), state: { v: v1 } };
  }
  const v1 = v.lerp(G.square(), beta2.not());
  return { direction: F.div(v1.div(debias(beta2, t)).sqrt().add(epsilon)), state: { v: v1 } };
}
