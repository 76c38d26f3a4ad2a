import { closedUnit, fixed, type Hyper, type Option, optional, positive, type Setting, text, unit } from '@opt/core';

/** What the three full-matrix optimizers share. */
export interface FullMatrixOptions {
  /** Weight of the past in the mean m, [0, 1), default 0.9. */
  readonly beta1?: Setting;
  /** ε > 0 added to the matrix's diagonal. */
  readonly epsilon?: Setting;
  /** a of x ← max(a·x, diag M); null (default) is off. */
  readonly amsgradBeta?: Setting | null;
  /** Least eigenvalue used, as a fraction of the largest, [0, 1), default 1e-12. */
  readonly eigTol?: number;
  /** Added to the eigenvalues, ≥ 0, default 1e-8. */
  readonly damping?: number;
  /** The same as a fraction of the largest, default 1e-8. */
  readonly rdamping?: number;
  /** Prefix of state keys. */
  readonly name?: string;
}

export type FullMatrixTable = Readonly<{
  beta1: Option<Hyper>;
  epsilon: Option<Hyper>;
  amsgradBeta: Option<Hyper | null>;
  eigTol: Option<number>;
  damping: Option<number>;
  rdamping: Option<number>;
  name: Option<string>;
}>;

const amount = (fallback: number): Option<number> =>
  fixed(fallback, { rule: 'a finite number >= 0', holds: (x) => Number.isFinite(x) && x >= 0 });

export const fullMatrixOptions = (name: string, epsilon: number): FullMatrixTable => ({
  beta1: unit(0.9),
  epsilon: positive(epsilon),
  amsgradBeta: optional(closedUnit(1)),
  eigTol: fixed(1e-12, { rule: 'in [0, 1)', holds: (x) => x >= 0 && x < 1 }),
  damping: amount(1e-8),
  rdamping: amount(1e-8),
  name: text(name),
});
