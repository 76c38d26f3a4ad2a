import { allFinite, concat, full, iota, mod, repeat, type Tensor, where } from '@opt/core';

/** What is counted as zero, relative to the largest: eigenvalues at the start, estimates and remainders at a refresh. */
const tolerance = 1e-6;

/** A column of a refresh counts as dependent on those before it where less than this is left of it: well above what float32 leaves. */
const dependent = 1e-4;

/**
 * Left singular vectors of X [d, r], singular values descending; directions the data leave open are completed. They are found in the
 * smaller of the Gram matrices, where squares hurt: once per parameter, so in the best precision there is.
 */
export function singularVectors({ matrix }: { readonly matrix: Tensor }): { readonly Q: Tensor } {
  const [d = 1, r = 1] = matrix.shape;
  const X = matrix.wide();
  const tall = r < d;
  const { values, vectors } = X.matmul(X, tall ? { transposeA: true } : { transposeB: true }).eigh();
  const n = Math.min(d, r);
  const kept = values.gt(values.row(n - 1).mul(tolerance));
  const found = vectors.mul(kept).gather(
    iota(n)
      .mul(-1)
      .add(n - 1)
      .int(),
    1,
  );
  if (!tall) return { Q: found.orthonormalize('complete', tolerance).working() };
  // A column of length σ, however small beside the first, is one that is kept.
  const U = X.matmul(found);
  const length = U.square().sum([0]).sqrt();
  const unit = U.div(where(length.gt(0), length, 1));
  const padded = concat([unit, full([d, d - r], 0).wide()], 1);
  return { Q: padded.orthonormalize('complete', tolerance).working() };
}

/** One power iteration from Q, columns by falling eigenvalue estimate q_jᵀA q_j; both unchanged while A is 0. */
export function refreshed(A: Tensor, Q: Tensor): { Q: Tensor; order: Tensor } {
  const { Q: Q1, order } = orthonormal(sorted(powers(A, Q)));
  const good = sound(A, Q1);
  return { Q: where(good, Q1, Q), order: inOrder(good, order) };
}

/** What one power iteration is about to make orthonormal. */
export type Iteration = Readonly<Record<'matrix' | 'order' | 'kept', Tensor>>;

/** P = AQ, the estimates q_jᵀp_j, and for which columns that is nothing but rounding. */
export type Powers = Readonly<Record<'Q' | 'P' | 'estimate' | 'kept', Tensor>>;

/**
 * P = AQ, columns by falling eigenvalue estimate, and their order. Columns of which A tells nothing beyond rounding stay what they are and
 * go first, so that the others are made orthogonal to them: turned by rounding, they would take up a little of the largest.
 */
export function sorted({ Q, P, estimate, kept }: Powers): Iteration {
  const order = estimate.mul(kept.not()).neg().argsort();
  const keptFirst = order.gather(turned(P, kept.sum().neg()), 0);
  return { matrix: columns(P, Q, kept).gather(keptFirst, 1), order, kept: kept.gather(keptFirst, 0) };
}

export function orthonormal({ matrix, order, kept }: Iteration): Record<'Q' | 'order', Tensor> {
  const Q = where(kept, matrix, matrix.orthonormalize('complete', dependent));
  return { Q: Q.gather(turned(matrix, kept.sum()), 1), order };
}

/** The same with every column in its slot, whatever the estimates. */
export function unsorted({ Q, P, kept }: Powers): Iteration {
  const order = kept.neg().argsort();
  return { matrix: columns(P, Q, kept).gather(order, 1), order, kept: kept.gather(order, 0) };
}

export function inSlots({ matrix, order, kept }: Iteration): Record<'Q' | 'order', Tensor> {
  const Q = where(kept, matrix, matrix.orthonormalize('complete', dependent));
  return { Q: Q.gather(order.argsort(), 1), order: iota(order.shape[0] ?? 1) };
}

/** `longest`: what estimates are small beside, where that is not the largest of them. */
export function powers(A: Tensor, Q: Tensor, P: Tensor = A.matmul(Q), longest?: Tensor): Powers {
  const estimate = Q.mul(P).sum([0]);
  return { Q, P, estimate, kept: estimate.le((longest ?? estimate.maximum()).mul(tolerance)) };
}

const columns = (P: Tensor, Q: Tensor, kept: Tensor): Tensor => {
  const longest = P.abs().maximum([0]);
  return where(kept, Q, P.div(where(longest.gt(0), longest, 1)));
};

/** 1 while QᵀAQ is diagonal but for `most` of its length: ‖AQ‖² − Σ(q_jᵀAq_j)² ≤ most²·‖AQ‖². */
export function diagonalises({ P, estimate }: Powers, most: number): Tensor {
  const s = P.abs().maximum();
  const unit = where(s.gt(0), s, 1);
  const all = P.div(unit).square().sum();
  return all.sub(estimate.div(unit).square().sum()).le(all.mul(most ** 2));
}

/** A refresh that is left out where `still` is 1: Q and the order stay, and nothing is made orthonormal. */
export const unlessStill =
  (refresh: (iteration: Iteration) => Record<'Q' | 'order', Tensor>) =>
  ({ still, Q, ...iteration }: Iteration & Readonly<Record<'still' | 'Q', Tensor>>): Record<'Q' | 'order', Tensor> => {
    const places = iota(iteration.order.shape[0] ?? 1);
    const { next, order } = repeat(
      1,
      { next: Q, order: places },
      () => {
        const turned = refresh(iteration);
        return { next: turned.Q, order: turned.order };
      },
      () => still,
    );
    return { Q: next, order };
  };

/** The positions 0 … d − 1 of [d, d], begun at `by`. */
const turned = ({ shape: [d = 1] }: Tensor, by: Tensor): Tensor => mod(iota(d).add(by), d).int();

export const sound = (A: Tensor, Q: Tensor): Tensor => A.abs().maximum().gt(0).mul(allFinite(Q));

export const inOrder = (good: Tensor, order: Tensor): Tensor => where(good, order, iota(order.shape[0] ?? 1));
