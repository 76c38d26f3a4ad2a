import { repeat, scalar, type Tensor, where } from '@opt/core';
import { nonZero, sides } from './matrix.ts';

/** log Σ exp along one axis, that axis kept. */
function logSumExp(x: Tensor, axis: number): Tensor {
  const top = x.maximum([axis], { keep: true });
  return x.sub(top).exp().sum([axis], { keep: true }).log().add(top);
}

/**
 * diag(a) e^L diag(b) with row sums 1 and column sums m/n: rows and columns of L in turn, ending with columns, until max|row sum − 1|
 * ≤ `tolerance`, at most `iterations` rounds; what is then missing is made up by `roundMarginals`. L: [m, n].
 */
export function sinkhorn(L: Tensor, iterations: number, tolerance: number): Tensor {
  const [m, n] = sides(L);
  const round = (x: Tensor, rows: Tensor): { x: Tensor; rows: Tensor } => {
    const balanced = x.sub(rows);
    const next = balanced.sub(logSumExp(balanced, -2)).add(Math.log(m / n));
    return { x: next, rows: logSumExp(next, -1) };
  };
  const { x } = repeat(
    iterations - 1,
    round(L, logSumExp(L, -1)),
    ({ x, rows }) => round(x, rows),
    ({ rows }) => rows.expm1().abs().maximum().le(tolerance),
  );
  return roundMarginals(x.exp());
}

/**
 * The exact repair of a nearly doubly stochastic matrix: rows above their target sum are scaled down to it, then columns, then the
 * deficits e of rows and f of columns are filled by efᵀ/Σe. In wide precision. W ≥ 0: [m, n], row sums 1, column sums m/n.
 */
export function roundMarginals(w: Tensor): Tensor {
  const [m, n] = sides(w);
  const down = (x: Tensor, axis: number, target: number): Tensor =>
    x.mul(
      scalar(target)
        .div(nonZero(x.sum([axis], { keep: true })))
        .min(1),
    );
  const scaled = down(down(w.wide(), -1, 1), -2, m / n);
  const e = scaled.sum([-1], { keep: true }).neg().add(1).max(0);
  const f = scaled
    .sum([-2], { keep: true })
    .neg()
    .add(m / n)
    .max(0);
  const mass = e.sum();
  return scaled.add(e.mul(f).mul(where(mass.gt(0), where(mass.gt(0), mass, 1).reciprocal(), 0))).working();
}

/**
 * The map of vukrosic/custom-optimizer-research: exp((W − max W)/temperature) of the leading square, then `iterations` times rows and
 * columns divided by their sum + ε. No projection: it shrinks the deviation from the mean of a doubly stochastic matrix n-fold.
 */
export function expSinkhorn(w: Tensor, iterations: number, temperature: number, epsilon: number): Tensor {
  const [m, n] = sides(w);
  const side = Math.min(m, n);
  const square = w.slice([0, 0], [side, side]);
  const { x } = repeat(iterations, { x: square.sub(square.maximum()).div(temperature).exp() }, ({ x }) => {
    const rows = x.div(x.sum([1], { keep: true }).add(epsilon));
    return { x: rows.div(rows.sum([0], { keep: true }).add(epsilon)) };
  });
  return x;
}
