import {
  choice,
  flag,
  type Hyper,
  nonNegative,
  type Option,
  optional,
  positive,
  type Range,
  type Resolved,
  type Setting,
  unit,
  within,
} from '@opt/core';
import { type GeneralOptions, type GeneralTable, generalOptions } from '@opt/transforms';
import { nonNegativeNumber } from './options.ts';
import { type PolarOptions, type PolarTable, polarOptions } from './polar-options.ts';
import { type AuxHypers, type AuxOptions, auxOption, type Roles, rolesOption } from './roles.ts';
import { type Layout, layoutOption } from './view.ts';

/** Maps of projected mode. */
export type Projection = 'exact' | 'newton-schulz' | 'exp-sinkhorn';
type Base = 'adamw' | 'sgd' | 'muon';
type Mode = 'manifold' | 'projected';

/** What every optimizer on a manifold takes. */
export interface ManifoldOptions extends GeneralOptions, PolarOptions {
  /** η: an angle in radians, [0, 1), where the direction has unit norm; else ≥ 0. */
  readonly learningRate?: Setting;
  /** μ of the running mean of gradients, [0, 1), default 0.95. */
  readonly momentum?: Setting;
  /** Look ahead, default true. */
  readonly nesterov?: boolean;
  /** Storage order of matrices and kernels, default null: as the model says, else 'out-in'. */
  readonly layout?: Layout | null;
  /** What each parameter is; see `defaultRole`. */
  readonly roles?: Roles;
  /** AdamW of everything that is not hidden. */
  readonly aux?: AuxOptions;
  /** Throw where a hidden parameter cannot lie on the manifold, default false: it goes to AdamW with a line in the log. */
  readonly strict?: boolean;
  /** `'projected'`: a Euclidean step of `base`, then a map on the weights. Default 'manifold'. */
  readonly mode?: Mode;
  /** The Euclidean rule, default 'adamw'. Projected mode only, as all options below. */
  readonly base?: Base;
  /** `'exact'`: the manifold's own projection (default). The others reproduce vukrosic/custom-optimizer-research and do not reach it. */
  readonly projection?: Projection;
  /** ε of that map's denominators, ≥ 0, default 1e-8. */
  readonly projectionEpsilon?: number;
  /** β₁ of base 'adamw', default 0.9. */
  readonly beta1?: Setting;
  /** β₂ of base 'adamw', default 0.999. */
  readonly beta2?: Setting | null;
  /** ε of base 'adamw', default 1e-8. */
  readonly epsilon?: Setting;
  /** λ of the base, default 0.01 for 'adamw', 0 for the others. On a manifold it has no meaning and must be 0. */
  readonly weightDecay?: Setting | null;
  /** μ of base 'sgd', default 0. */
  readonly baseMomentum?: Setting;
}

type SharedTable = GeneralTable &
  PolarTable &
  Readonly<{
    momentum: Option<Hyper>;
    nesterov: Option<boolean>;
    layout: Option<Layout | null>;
    roles: Option<Roles>;
    aux: Option<AuxHypers>;
    strict: Option<boolean>;
    mode: Option<Mode>;
    base: Option<Base>;
    projection: Option<Projection>;
    projectionEpsilon: Option<number>;
    beta1: Option<Hyper>;
    beta2: Option<Hyper | null>;
    epsilon: Option<Hyper>;
    weightDecay: Option<Hyper | null>;
    baseMomentum: Option<Hyper>;
  }>;

/** Options after reading. */
export type ResolvedShared = Resolved<SharedTable> & { readonly learningRate: Hyper };

/** How `resolve` reads them, for an optimizer called `name`. */
export const sharedOptions = (name: string): SharedTable => ({
  ...generalOptions(name),
  ...polarOptions,
  momentum: unit(0.95),
  nesterov: flag(true),
  layout: layoutOption,
  roles: rolesOption,
  aux: auxOption,
  strict: flag(false),
  mode: choice('manifold', ['manifold', 'projected']),
  base: choice('adamw', ['adamw', 'sgd', 'muon']),
  projection: choice('exact', ['exact', 'newton-schulz', 'exp-sinkhorn']),
  projectionEpsilon: nonNegativeNumber(1e-8),
  beta1: unit(0.9),
  beta2: optional(unit(0.999)),
  epsilon: positive(1e-8),
  weightDecay: optional(nonNegative(0)),
  baseMomentum: unit(0),
});

/** How η is read: an angle where the direction has unit norm; ≥ 0 for one that keeps the gradient's length, and for a Euclidean base. */
export function learningRateOption(options: unknown, fallback: number, range: Range = angle): Option<Hyper> {
  // Before anything is checked: options may be no object at all.
  const given = new Map<string, unknown>(Object.entries(options ?? {}));
  const [base, direction] = [given.get('base'), given.get('direction')];
  if (given.get('mode') === 'projected') return nonNegative(base === 'sgd' ? 0.01 : base === 'muon' ? 0.02 : 1e-3);
  const keepsLength = direction === 'riemannian' || direction === 'adam' || given.get('gradientScale') === 'none';
  return keepsLength ? nonNegative(fallback) : within(fallback, range);
}

const angle: Range = { rule: 'in [0, 1)', holds: (x) => x >= 0 && x < 1 };
