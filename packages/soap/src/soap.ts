import {
  chain,
  choice,
  flag,
  inBasis,
  message,
  nonNegative,
  type Option,
  OptionTypeError,
  optional,
  partition,
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
import { type AxesOptions, activeAxes, type SidesOption } from './axes.ts';
import { eigenbasisOptions } from './eigenbasis-options.ts';
import { adamInBasis, type InnerOptions, normalizeRmsLater, whiten } from './inner.ts';
import { eigenbasis } from './kronecker-eigenbasis.ts';

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
  /** Which sides of a matrix have a basis, default 'both'; 'shorter' is the one with fewer entries, left on a tie. */
  readonly sides?: SidesOption;
  /** What covariances are of: gradients (default), or gradients whitened along the other axes ('kl'; Lin et al. 2025). */
  readonly factor?: 'gram' | 'kl';
  /** Of 'kl': what the estimates of eigenvalues start as, > 0, default 0.1. */
  readonly initialEigenvalue?: number;
  /** Of 'kl': what they stay above, > 0, null for nothing, or 'auto' (default), 1/max(10, min(d, 4000))²: too much for small gradients. */
  readonly eigenvalueFloor?: number | 'auto' | null;
  /** Parameters take turns with their refreshes, so that no step has all of them; default false. */
  readonly spread?: boolean;
  /** Turn all columns of a basis at a refresh ('qr', default), or two of four blocks of them in turns, for 40 % of the work. */
  readonly refresh?: 'qr' | 'block-jacobi';
  /** Sort the columns of a basis by eigenvalue when it is refreshed, default true. */
  readonly sortOnRefresh?: boolean;
  /** A refresh is left out while QᵀAQ is diagonal but for this part of its length, [0, 1); default null: never. */
  readonly refreshTolerance?: number | null;
  /** The first call moves nothing (default), or goes along the raw momentum ('raw'). */
  readonly firstCall?: 'skip' | 'raw';
  /**
   * The direction that runs in the basis: Adam (default), or the momentum whitened by the eigenvalues of 'kl' ('whiten': KL-Shampoo; Adam
   * where there is no basis), with the options above and below, which only those two read; or a transform.
   */
  readonly inner?: 'adam' | 'whiten' | Transform;
  /** Look ahead: (1−β₁)Ĝ + β₁m in place of m. Default false. */
  readonly nesterov?: boolean;
  /** Whose squares v averages: the gradient's (default), or those of the direction before it is divided. */
  readonly secondMomentOf?: 'gradient' | 'direction';
  /** √v + ε (default), or max(√v, ε). */
  readonly denominator?: 'sum' | 'max';
  /** Bring the direction to the length it had before it was divided, by the 4-norm of its singular values; default 'none'. */
  readonly rescale?: 'none' | 'schatten4';
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
    ...eigenbasisOptions,
    ...generalOptions('soap'),
    learningRate: nonNegative(3e-3),
    beta1: unit(0.95),
    beta2: unit(0.95),
    epsilon: positive(1e-8),
    weightDecay: nonNegative(0.01),
    decayOnly: decayOnlyOption,
    shampooBeta: optional(unit(0.95)),
    correctBias: flag(true),
    normalizeGradient: flag(false),
    inner: innerOption,
    nesterov: flag(false),
    secondMomentOf: choice('gradient', ['gradient', 'direction']),
    denominator: choice('sum', ['sum', 'max']),
    rescale: choice('none', ['none', 'schatten4']),
  });
  const { learningRate, weightDecay, inner } = o;
  if (inner === 'whiten' && o.factor !== 'kl') throw new OptionTypeError(message(o.name, 'inner', "'whiten' only with factor 'kl'", inner));
  const basis = eigenbasis({ ...o, shampooBeta: o.shampooBeta ?? o.beta2 });
  const raw = o.firstCall === 'raw';
  const within = (stage: Transform): Transform =>
    o.normalizeGradient ? chain(inBasis(basis, stage), raw ? normalizeRmsLater() : normalizeRms()) : inBasis(basis, stage);
  const direction = typeof inner === 'string' ? (inner === 'adam' ? within(adamOf({ ...o, raw })) : whitened(o, within)) : within(inner);
  return general(o, rule(direction, descend({ learningRate }), decay({ learningRate, weightDecay, decayOnly: o.decayOnly })));
}

type Inner = 'adam' | 'whiten' | Transform;
const named = choice('adam', ['adam', 'whiten']);
const innerOption: Option<Inner> = (value, rule, option) =>
  typeof value === 'string' ? named(value, rule, option) : (stage(value, rule, option) ?? 'adam');

/** Adam as it always was, where nothing sets it apart. */
function adamOf(o: InnerOptions): Transform {
  const plain = !o.raw && !o.nesterov && o.secondMomentOf === 'gradient' && o.denominator === 'sum' && o.rescale === 'none';
  return plain
    ? adam({ beta1: o.beta1, beta2: o.beta2, epsilon: o.epsilon, correctBias: o.correctBias ? 'rate' : 'none' })
    : adamInBasis(o);
}

/** The momentum whitened where there is a basis, Adam elsewhere. */
function whitened(
  o: Omit<InnerOptions, 'raw'> & AxesOptions & { readonly firstCall: 'skip' | 'raw' },
  within: (inner: Transform) => Transform,
): Transform {
  const options = { ...o, raw: o.firstCall === 'raw' };
  return partition({ whitened: within(whiten(options)), others: within(adamOf(options)) }, (_, shape) =>
    activeAxes(shape, o).length > 0 ? 'whitened' : 'others',
  );
}
