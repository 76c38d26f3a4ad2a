import type { Declarer, Site, Tensor } from '@opt/core';

/** A tall matrix Q [d, R] seen from both sides; vectors are rows, n at a time. */
export interface Factors {
  /** [n, d] → [n, R]: Qᵀx. */
  down(X: Tensor): Tensor;
  /** [n, R] → [n, d]: Qu. */
  up(U: Tensor): Tensor;
}

/** A basis at one moment. Columns that are not active are 0. */
export interface LowRankState {
  /** Without regularisation: the factors of the matrix that is tracked. */
  readonly whole: Factors & { readonly L?: Tensor | undefined };
  /** Where optimizers live. */
  readonly kept: Factors & { readonly L?: Tensor | undefined; readonly active: Tensor };
}

/** What corrections a basis will get. */
export interface CorrectionKind {
  /** α may be something else than 1. */
  readonly signed: boolean;
  /** Z may be something else than Y. */
  readonly asymmetric: boolean;
}

/** One correction: A ← A + Y diag(α) Zᵀ, in rows. */
export interface UpdateStep {
  readonly owner: string;
  readonly site: Site;
  readonly Y: Tensor;
  readonly Z?: Tensor | undefined;
  readonly alpha?: Tensor | undefined;
  readonly kind: CorrectionKind;
  /** Whether this is the first correction; a tensor where only the device knows. */
  readonly first: boolean | Tensor;
  /** The first call, whether its correction is taken or not. */
  readonly start: boolean;
  /** Asks what is to be done at this progress: each answer is a program of its own. */
  phase<A extends string>(ask: (progress: Progress) => A): A;
}

/** How much a basis has seen, the correction at hand included. */
export interface Progress {
  readonly columns: number;
  readonly corrections: number;
}

/** What an update comes to. Nothing is written yet: a correction may be rejected. */
export interface Update {
  readonly writes: Readonly<Record<string, Tensor>>;
  /** Q_newᵀQ_old; absent: the basis is what it was. */
  readonly C?: Tensor;
  /** 0 where nothing finite came out. */
  readonly ok?: Tensor;
  /** Products with the basis's own rows that are at hand, before and after. */
  readonly known?: { readonly rows: Tensor; readonly before: Tensor; readonly after: Tensor };
}

/** Products with the basis's rows that were computed already. */
export interface Known {
  readonly rows: Tensor;
  readonly products: Tensor;
}

/** A way to track the eigenvectors of a matrix from its low-rank corrections. */
export interface LowRankBasis {
  readonly name: string;
  /** It has eigenvalues. */
  readonly eigenvalues: boolean;
  /** It takes corrections whose Z is not their Y. */
  readonly asymmetric: boolean;
  /** It takes corrections of either sign. */
  readonly signed: boolean;
  /** R: how many columns there can be. */
  width(d: number, kind: CorrectionKind): number;
  declare(owner: string, d: number, kind: CorrectionKind, at: Declarer): void;
  read(owner: string, site: Site, known?: Known): LowRankState;
  update(step: UpdateStep): Update;
}
