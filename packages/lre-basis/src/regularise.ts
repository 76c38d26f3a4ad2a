import { fixed, flag, integer, iota, nullable, type Option, optional, scaled, type Tensor, where } from '@opt/core';

/** Which eigenvalues are kept, and what is added to them. */
export interface Regularisation {
  /** Least value of an eigenvalue, as a fraction of the largest. */
  readonly tol: number | null;
  /** How many are kept, the largest. */
  readonly truncate: number | null;
  readonly damping: number;
  /** Added as a fraction of the largest. */
  readonly rdamping: number;
}

/**
 * Of the eigenvalues in `active`: drops what is not finite or not above tol·λ*, λ* being the largest, keeps the `truncate` largest,
 * and adds damping + rdamping·λ*. A tolerance below ten machine epsilons would let noise in, so that is the least.
 */
export function regularise(
  values: Tensor,
  active: Tensor,
  { tol, truncate, damping, rdamping }: Regularisation,
  epsilon: number,
): { L: Tensor; kept: Tensor } {
  const largest = largestOf(values, active);
  const above = tol === null ? active : active.mul(values.gt(largest.mul(Math.max(tol, 10 * epsilon))));
  const finite = above.mul(values.isFinite());
  const kept = truncate === null ? finite : finite.mul(largestFew(values, finite, truncate));
  const added = rdamping === 0 ? values : values.add(largest.mul(rdamping));
  return { L: where(kept, damping === 0 ? added : added.add(damping), 0), kept };
}

/** The largest of the values in `mask`; where there is none, something not above 0. */
export const largestOf = (values: Tensor, mask: Tensor): Tensor => where(mask, values, values.abs().maximum().neg()).maximum();

/** 1 for the n largest values in `mask`. */
function largestFew(values: Tensor, mask: Tensor, n: number): Tensor {
  const [size = 0] = values.shape;
  const rank = where(mask, values, values.abs().maximum().add(1).neg()).argsort().argsort();
  return rank.ge(size - n);
}

/**
 * Eigenpairs of K [n, n] in its `active` coordinates: the others (whose rows and columns are 0) get eigenvalues below all others, so
 * that they come first, apart from the rest. `active` of the result marks the eigenvalues behind them.
 */
export function activeEigh(K: Tensor, active: Tensor): { values: Tensor; vectors: Tensor; active: Tensor } {
  const [n = 0] = K.shape;
  const { root, length, by } = scaled([K]);
  const sentinel = length.max(1).mul(-2);
  const diagonal = iota(n).reshape([n, 1]).eq(iota(n));
  const { values, vectors } = by(K)
    .add(diagonal.mul(active.not().mul(sentinel)))
    .eigh();
  return { values: values.mul(root).mul(root), vectors, active: iota(n).ge(active.not().sum()) };
}

/** λ in [0, 1) or null. */
export const tolerance = (fallback: number | null): Option<number | null> =>
  (fallback === null ? optional : nullable)(fixed(fallback ?? 0, { rule: 'in [0, 1)', holds: (x) => x >= 0 && x < 1 }));

/** A fixed number of at least 0. */
export const amount = (fallback: number): Option<number> =>
  fixed(fallback, { rule: 'a finite number >= 0', holds: (x) => Number.isFinite(x) && x >= 0 });

/** The options of one round, with `eigTol` by default as given. */
export type RoundTable = Readonly<{
  truncate: Option<number | null>;
  eigTol: Option<number | null>;
  damping: Option<number>;
  rdamping: Option<number>;
  abs: Option<boolean>;
}>;

export const roundOptions = (eigTol: number): RoundTable => ({
  truncate: optional(integer(1)),
  eigTol: tolerance(eigTol),
  damping: amount(0),
  rdamping: amount(0),
  abs: flag(false),
});
