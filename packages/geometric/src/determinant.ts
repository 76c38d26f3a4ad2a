import { identity, iota, repeat, type Tensor, where } from '@opt/core';
import { inner, sides } from './matrix.ts';

/** log|det W| = ½ Σ log diag² of the Cholesky factor of WᵀW, in wide precision; NaN for a singular W. W: [n, n]. */
export function logAbsoluteDeterminant(w: Tensor): Tensor {
  const L = inner(w.wide(), w.wide()).cholesky();
  return L.mul(identity(sides(w)[0]))
    .sum([1])
    .log()
    .sum();
}

/**
 * log|det W| and the sign of det W (0 for a singular W) by Gaussian elimination in wide precision: in round k row k takes its largest
 * entry as pivot, and a rank-one product clears that row and column. The sign is that of the pivots times that of their order.
 */
export function determinant(w: Tensor): { readonly log: Tensor; readonly sign: Tensor } {
  const [n] = sides(w);
  const zero = iota(1).working().reshape([]);
  const last = iota(n).eq(n - 1);
  const { log, sign, order } = repeat(
    n,
    { A: w.wide(), k: zero, log: zero.wide(), sign: zero.add(1), order: iota(n).working() },
    ({ A, k, log, sign, order }) => {
      const row = A.row(k);
      const j = row.abs().argsort().mul(last).sum();
      const pivot = row.mul(iota(n).eq(j)).sum();
      const divisor = where(pivot.eq(0), 1, pivot);
      const column = A.mul(iota(n).eq(j)).sum([1], { keep: true });
      return {
        A: A.sub(column.mul(row.reshape([1, n]).div(divisor))),
        k: k.add(1),
        log: log.add(pivot.abs().log()),
        sign: sign.mul(pivot.sign()).working(),
        order: where(iota(n).eq(k), j, order),
      };
    },
  );
  const earlier = iota(n).reshape([n, 1]).lt(iota(n));
  const inversions = order
    .reshape([n, 1])
    .gt(order.reshape([1, n]))
    .mul(earlier)
    .sum();
  const odd = inversions.sub(inversions.div(2).floor().mul(2));
  return { log, sign: sign.mul(odd.mul(-2).add(1)) };
}
