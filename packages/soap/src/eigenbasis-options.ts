import { choice, fixed, flag, type Hyper, integer, nullable, type Option, optional, type Setting, text, unit } from '@opt/core';
import type { SidesOption } from './axes.ts';
import type { DataFormat } from './fold.ts';

export interface KroneckerEigenbasisOptions {
  /** β_s of the covariances A_k, [0, 1), default 0.95. */
  readonly shampooBeta?: Setting;
  /** f: steps between refreshes, integer ≥ 1, default 10. */
  readonly preconditionFrequency?: number;
  /** Parameters take turns with their refreshes, so that no step has all of them: up to eight groups, each in a step of its own. Default false. */
  readonly spread?: boolean;
  /** Axes longer than this keep the identity, integer ≥ 1, default 10000. */
  readonly maxPreconditionDim?: number;
  /** Merge axes first, default false. Use a `maxPreconditionDim` of about 1024 with it. */
  readonly mergeDims?: boolean;
  /** Precondition vectors too, default false. */
  readonly precondition1d?: boolean;
  /** Storage order of rank-4 kernels, used only by merging: [kh, kw, in, out] or [out, in, kh, kw]. Default 'channels_last'. */
  readonly dataFormat?: DataFormat;
  /** The basis of the first call: eigenvectors of its covariance, or none until the first refresh. Default 'eigh'. */
  readonly initialBasis?: 'eigh' | 'identity';
  /** Which sides of a matrix have a basis, default 'both'; 'shorter' is the one with fewer entries, left on a tie. */
  readonly sides?: SidesOption;
  /** What A_k is the covariance of: gradients (default), or gradients whitened along the other axes by their factors ('kl'). */
  readonly factor?: 'gram' | 'kl';
  /** Of 'kl': what the estimates of eigenvalues start as, > 0, default 0.1. */
  readonly initialEigenvalue?: number;
  /** Of 'kl': what they stay above, a number > 0, null for nothing, or 'auto' (default), 1/max(10, min(d, 4000))². It is absolute. */
  readonly eigenvalueFloor?: number | 'auto' | null;
  /** Sort the columns of a basis by eigenvalue when it is refreshed, second moments with them; default true. */
  readonly sortOnRefresh?: boolean;
  /**
   * How much of a basis a refresh turns: all of its columns, by a power iteration and a QR decomposition (default); or with 'block-jacobi'
   * two of four blocks of columns, in turns, by the same within what they span, for 40 % of the work. Axes below 32 are turned whole.
   */
  readonly refresh?: 'qr' | 'block-jacobi';
  /** A refresh is left out while QᵀAQ is diagonal but for this part of its length, [0, 1); default null: never left out. */
  readonly refreshTolerance?: number | null;
  /** The first call only sets the basis up and holds the parameter (default), or goes on without a basis ('raw'). */
  readonly firstCall?: 'skip' | 'raw';
  /** Prefix of state keys, default 'soap'. */
  readonly name?: string;
}

export type EigenbasisTable = Readonly<{
  shampooBeta: Option<Hyper>;
  preconditionFrequency: Option<number>;
  spread: Option<boolean>;
  maxPreconditionDim: Option<number>;
  mergeDims: Option<boolean>;
  precondition1d: Option<boolean>;
  dataFormat: Option<DataFormat>;
  initialBasis: Option<'eigh' | 'identity'>;
  sides: Option<SidesOption>;
  factor: Option<'gram' | 'kl'>;
  initialEigenvalue: Option<number | null>;
  eigenvalueFloor: Option<number | 'auto' | null | undefined>;
  sortOnRefresh: Option<boolean>;
  refresh: Option<'qr' | 'block-jacobi'>;
  refreshTolerance: Option<number | null>;
  firstCall: Option<'skip' | 'raw'>;
  name: Option<string>;
}>;

const above0 = { rule: 'a finite number > 0', holds: (x: number) => Number.isFinite(x) && x > 0 };

/** How `resolve` reads them. */
export const eigenbasisOptions: EigenbasisTable = {
  shampooBeta: unit(0.95),
  preconditionFrequency: integer(10),
  spread: flag(false),
  maxPreconditionDim: integer(10000),
  mergeDims: flag(false),
  precondition1d: flag(false),
  dataFormat: choice('channels_last', ['channels_last', 'channels_first']),
  initialBasis: choice('eigh', ['eigh', 'identity']),
  sides: choice('both', ['both', 'left', 'right', 'shorter']),
  factor: choice('gram', ['gram', 'kl']),
  initialEigenvalue: optional(fixed(0.1, above0)),
  eigenvalueFloor: (value, rule, option) =>
    value === undefined || value === 'auto' ? value : nullable(fixed(1, above0))(value, rule, option),
  sortOnRefresh: flag(true),
  refresh: choice('qr', ['qr', 'block-jacobi']),
  refreshTolerance: optional(fixed(0, { rule: 'in [0, 1)', holds: (x) => x >= 0 && x < 1 })),
  firstCall: choice('skip', ['skip', 'raw']),
  name: text('soap'),
};
