import {
  chain,
  choice,
  flag,
  inBasis,
  integer,
  nonNegative,
  optional,
  positive,
  type Rule,
  resolve,
  rule,
  type Setting,
  stage,
  type Transform,
  unit,
} from '@opt/core';
import {
  adam,
  type DecayOnly,
  decay,
  decayOnlyOption,
  descend,
  type GeneralOptions,
  general,
  generalOptions,
  normalizeRms,
} from '@opt/transforms';
import { kroneckerEigenbasis } from './kronecker-eigenbasis.ts';

export interface SoapOptions extends GeneralOptions {
  /** η ≥ 0, default 3e-3. */
  readonly learningRate?: Setting;
  /** β₁ of the first moment, [0, 1), default 0.95. */
  readonly beta1?: Setting;
  /** β₂ of the second moment, [0, 1), default 0.95. */
  readonly beta2?: Setting;
  /** ε > 0 added to √v, default 1e-8. */
  readonly epsilon?: Setting;
  /** λ ≥ 0 of the decay after the step, p ← p − ηλp, default 0.01. */
  readonly weightDecay?: Setting;
  /** `'matrices'`: only parameters of two axes and more decay; null (default): all, biases and gains too. */
  readonly decayOnly?: DecayOnly;
  /** β_s of the covariances, [0, 1); null (default): that of `beta2`. */
  readonly shampooBeta?: Setting | null;
  /** f: updates between refreshes of the basis, integer ≥ 1, default 10. */
  readonly preconditionFrequency?: number;
  /** Longer axes keep the identity, integer ≥ 1, default 10000; an axis of d costs 8d² bytes. */
  readonly maxPreconditionDim?: number;
  /** Merge axes first, default false; set `maxPreconditionDim` to about 1024 with it. */
  readonly mergeDims?: boolean;
  /** Precondition vectors too, default false. */
  readonly precondition1d?: boolean;
  /** Correct the bias of both averages, as a factor of η; default true. */
  readonly correctBias?: boolean;
  /** Scale each parameter's direction to unit root mean square, default false. */
  readonly normalizeGradient?: boolean;
  /** Storage order of rank-4 kernels, for merging: [kh, kw, in, out] (default) or [out, in, kh, kw]. */
  readonly dataFormat?: 'channels_last' | 'channels_first';
  /** Basis of the first call, default 'eigh'; 'identity' is plain Adam until the first refresh. */
  readonly initialBasis?: 'eigh' | 'identity';
  /** The direction that runs in the basis; default Adam with the options above, which only it reads. */
  readonly inner?: Transform;
}

/**
 * SOAP (Vyas et al. 2024): Adam in the eigenbasis of Shampoo's Kronecker factors. With G projected to Ĝ, t updates done,
 *
 *     m ← β₁m + (1−β₁)Ĝ    v ← β₂v + (1−β₂)Ĝ²    D = unproject(m/(√v + ε))    p ← p − η·√(1−β₂ᵗ)/(1−β₁ᵗ)·D    p ← p − ηλp
 *
 * The first call sets the basis up and moves nothing. Refreshes come at the end of calls f+1, 2f+1, …
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function soap(options: SoapOptions = {}): Rule {
  const o = resolve('soap', options, {
    ...generalOptions('soap'),
    learningRate: nonNegative(3e-3),
    beta1: unit(0.95),
    beta2: unit(0.95),
    epsilon: positive(1e-8),
    weightDecay: nonNegative(0.01),
    decayOnly: decayOnlyOption,
    shampooBeta: optional(unit(0.95)),
    preconditionFrequency: integer(10),
    maxPreconditionDim: integer(10000),
    mergeDims: flag(false),
    precondition1d: flag(false),
    correctBias: flag(true),
    normalizeGradient: flag(false),
    dataFormat: choice('channels_last', ['channels_last', 'channels_first']),
    initialBasis: choice('eigh', ['eigh', 'identity']),
    inner: stage,
  });
  const {
    name,
    learningRate,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    preconditionFrequency,
    maxPreconditionDim,
    mergeDims,
    precondition1d,
    dataFormat,
    initialBasis,
  } = o;
  const basis = kroneckerEigenbasis({
    name,
    shampooBeta: o.shampooBeta ?? beta2,
    preconditionFrequency,
    maxPreconditionDim,
    mergeDims,
    precondition1d,
    dataFormat,
    initialBasis,
  });
  const inner = o.inner ?? adam({ beta1, beta2, epsilon, correctBias: o.correctBias ? 'rate' : 'none' });
  const direction = o.normalizeGradient ? chain(inBasis(basis, inner), normalizeRms()) : inBasis(basis, inner);
  return general(o, rule(direction, descend({ learningRate }), decay({ learningRate, weightDecay, decayOnly: o.decayOnly })));
}
