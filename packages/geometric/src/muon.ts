import {
  chain,
  choice,
  flag,
  type Hyper,
  integer,
  nonNegative,
  type Option,
  type Resolved,
  type Rule,
  resolve,
  type Setting,
  type Shape,
  unit,
} from '@opt/core';
import { decay, descend, type GeneralOptions, type GeneralTable, general, generalOptions } from '@opt/transforms';
import type { Variance } from './even-rows.ts';
import { muonDirection, type Scale, shapeScale } from './muon-direction.ts';
import { demand } from './options.ts';
import { type PolarOptions, type PolarTable, polarFactor, polarOptions } from './polar-options.ts';
import type { Equilibrate } from './polar-stages.ts';
import { type AuxHypers, type AuxOptions, auxOption, type Halves, type Roles, rolesOption, routed } from './roles.ts';
import { type Axis, blockView, type Convolution, composed, kernelView, type Layout, layoutOption, type View } from './view.ts';

export interface MuonOptions extends GeneralOptions, PolarOptions {
  /** η ≥ 0, default 0.02. */
  readonly learningRate?: Setting;
  /** μ of the running mean of gradients, [0, 1), default 0.95. */
  readonly momentum?: Setting;
  /** Look ahead, default true. */
  readonly nesterov?: boolean;
  /** λ ≥ 0 of the decay before the step, default 0; η·λ below 1. */
  readonly weightDecay?: Setting;
  /** Which entries decay and by how much, see `decay`; default 'decoupled'. */
  readonly decayMode?: DecayMode;
  /** Decay by η·s instead of η, default false. */
  readonly scaleDecay?: boolean;
  /**
   * Before the polar factor, make all rows (outputs) or all columns as long as they are on average: X_i·τ/max(‖X_i‖, 10⁻⁶) with
   * τ = ‖X‖_F/√m. Default 'none'. A row of noise becomes as long as any other.
   */
  readonly equilibrate?: Equilibrate;
  /** After it, bring O to the length of an exact polar factor, √min(m, n); default false. */
  readonly renormalize?: boolean;
  /** ε ≥ 0 added to the norm the iteration starts from, default 1e-7: gradients much shorter than this are not lengthened to 1. */
  readonly epsilon?: Setting;
  /**
   * s: √max(1, fanOut/fanIn) ('keller', default), 0.2·√max(fanOut, fanIn) ('moonlight': updates as long as AdamW's), √(fanOut/fanIn)
   * ('spectral') or 1 ('none').
   */
  readonly scale?: Scale;
  /**
   * Storage order. 'out-in': rows are outputs, kernels [out, in, k…]. 'in-out': rows are inputs, kernels [k…, in, out]. 'taps-out-in': rows
   * are outputs, kernels [k…, out, in]. Null (default): as the model says (a `tf.Optimizer` knows that kernels of tfjs are 'in-out', and by
   * its `model` which are those of transposed convolutions), else 'out-in'.
   */
  readonly layout?: Layout | null;
  /** Kernels as one matrix [out, in·k…] (default), or as one channel matrix per tap. */
  readonly convolution?: Convolution;
  /** Equal blocks that are orthogonalised each by itself, such as the heads of a query weight; default 1. For a fused QKV: 3·heads. */
  readonly blocks?: number;
  /** Along which axis blocks follow each other, default 'rows'. */
  readonly axis?: Axis;
  /** What each parameter is; see `defaultRole`. Only hidden ones are orthogonalised. */
  readonly roles?: Roles;
  /** AdamW of everything else. */
  readonly aux?: AuxOptions;
  /** Throw where a hidden parameter cannot be split into `blocks`, default false: it goes to AdamW with a line in the log. */
  readonly strict?: boolean;
}

type DecayMode = 'decoupled' | 'independent' | 'cautious';

type MuonTable = GeneralTable &
  PolarTable &
  Readonly<{
    learningRate: Option<Hyper>;
    momentum: Option<Hyper>;
    nesterov: Option<boolean>;
    weightDecay: Option<Hyper>;
    decayMode: Option<DecayMode>;
    scaleDecay: Option<boolean>;
    equilibrate: Option<Equilibrate>;
    renormalize: Option<boolean>;
    epsilon: Option<Hyper>;
    scale: Option<Scale>;
    layout: Option<Layout | null>;
    convolution: Option<Convolution>;
    blocks: Option<number>;
    axis: Option<Axis>;
    roles: Option<Roles>;
    aux: Option<AuxHypers>;
    strict: Option<boolean>;
  }>;

/** How `resolve` reads them, for a rule called `name`. */
export const muonOptions = (name: string): MuonTable => ({
  ...generalOptions(name),
  ...polarOptions,
  learningRate: nonNegative(0.02),
  momentum: unit(0.95),
  nesterov: flag(true),
  weightDecay: nonNegative(0),
  decayMode: choice('decoupled', ['decoupled', 'independent', 'cautious']),
  scaleDecay: flag(false),
  equilibrate: choice('none', ['none', 'rows', 'columns']),
  renormalize: flag(false),
  epsilon: nonNegative(1e-7),
  scale: choice('keller', ['keller', 'moonlight', 'spectral', 'none']),
  layout: layoutOption,
  convolution: choice('flatten', ['flatten', 'per-tap']),
  blocks: integer(1),
  axis: choice('rows', ['rows', 'columns']),
  roles: rolesOption,
  aux: auxOption,
  strict: flag(false),
});

/**
 * Muon (Jordan et al. 2024): steepest descent under the spectral norm, with momentum.
 *
 *     B ← μB + (1−μ)G     U = (1−μ)G + μB, or B     O = msign(U)     W ← W(1 − ηλ) − η·s·O
 *
 * Default polar factor: 5 quintic steps, singular values of O in [0.68, 1.13]. The scale goes by the shape of the matrix that is
 * orthogonalised: of a kernel as flattened, of each block, of each tap.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError if `strict`
 */
export const muon = (options: MuonOptions = {}): Rule => muonRule(resolve('muon', options, muonOptions('muon')));

/** Muon with its options read; with `variance`, NorMuon. */
export function muonRule(o: Resolved<MuonTable>, variance?: Variance): Rule {
  const { learningRate, weightDecay, scale, convolution, blocks, axis } = o;
  const [eta, lambda] = [learningRate.value, weightDecay.value];
  if (typeof eta === 'number' && typeof lambda === 'number' && o.decayMode !== 'independent')
    demand(eta * lambda < 1, o.name, 'weightDecay', `below 1/learningRate = ${1 / eta}`, lambda);
  const polar = polarFactor({ ...o, orthogonalization: o.orthogonalization ?? 'newton-schulz' });
  const hidden = (layout: Layout): Halves => {
    const viewOf = (shape: Shape): View =>
      composed(
        shape,
        (given) => kernelView(given, layout, convolution),
        (matrix) => blockView(matrix, axis, blocks),
      );
    const rateOf = o.scaleDecay ? (shape: Shape): number => shapeScale(scale, viewOf(shape).shape, layout) : null;
    return {
      direction: muonDirection({ ...o, layout, polar, viewOf, ...(variance && { variance }) }),
      move: chain(decay({ learningRate, weightDecay, mode: o.decayMode, rateOf }), descend({ learningRate })),
    };
  };
  const refuses = (shape: Shape, layout: Layout): string | undefined => unsplittable(shape, layout, convolution, axis, blocks);
  return general(o, routed(o, hidden, refuses));
}

/** What a shape would have to be to be split into these blocks. */
export function unsplittable(shape: Shape, layout: Layout, convolution: Convolution, axis: Axis, blocks: number): string | undefined {
  if (shape.length < 2) return 'a matrix or a kernel';
  const side = kernelView(shape, layout, convolution).shape.at(axis === 'rows' ? -2 : -1) ?? 1;
  return side % blocks === 0 ? undefined : `divisible into ${blocks} blocks of ${axis}`;
}
