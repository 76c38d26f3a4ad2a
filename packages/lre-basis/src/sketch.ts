import { concat, full, type Tensor, where } from '@opt/core';
import type { Update, UpdateStep } from './low-rank-basis.ts';
import { activeEigh } from './regularise.ts';
import { present, residual, symmetrised } from './residual.ts';
import type { Accumulator } from './rounds.ts';

/** The matrix that is to be decomposed, A = w₁QLQᵀ + w₂·Y diag(α) Yᵀ, never formed. */
export interface Sum {
  readonly Q: Tensor;
  /** A·X, [d, n] → [d, n]. */
  times(X: Tensor): Tensor;
  /** XᵀAX of [d, n], in the best precision there is. */
  within(X: Tensor): Tensor;
}

export function sumOf(accumulator: Accumulator, { owner, site, Y, alpha }: UpdateStep): Sum {
  const [Q, L] = [site.get('Q', owner), site.get('L', owner)];
  const [w1, w2] = accumulator.weights(site);
  const signed = (X: Tensor): Tensor => (alpha === undefined ? X : X.mul(alpha.reshape([-1, 1])));
  const column = (x: Tensor): Tensor => x.reshape([-1, 1]);
  return {
    Q,
    times(X) {
      const old = Q.matmul(column(L.working().mul(w1)).mul(Q.matmul(X, { transposeA: true })));
      return Y.matmul(signed(Y.matmul(X)), { transposeA: true, alpha: w2, add: old });
    },
    within(X) {
      const q = Q.matmul(X, { transposeA: true }).wide();
      const y = Y.matmul(X).wide();
      const old = q.matmul(column(L.mul(w1)).mul(q), { transposeA: true });
      return symmetrised(y.matmul(signed(y), { transposeA: true, alpha: w2, add: old }));
    },
  };
}

/** The eigenpairs of A inside the orthonormal columns of W (zero ones do not count), and both rounds on the last R of them. */
export function rayleighRitz(accumulator: Accumulator, step: UpdateStep, sum: Sum, W: Tensor): Update {
  const [, R = 0] = sum.Q.shape;
  const { values, vectors, active } = activeEigh(sum.within(W), present(W));
  const pairs = { values: last(values, R), active: last(active, R) };
  const S = last(vectors, R);
  const overlap = S.matmul(W.matmul(sum.Q, { transposeA: true }).wide(), { transposeA: true });
  return accumulator.finish(step, pairs.values, pairs.active, { values, active }, W.matmul(S.working()), overlap);
}

/** The last n entries along the last axis, zeros in front where there are fewer. */
export function last(x: Tensor, n: number): Tensor {
  const axis = x.shape.length - 1;
  const size = x.shape[axis] ?? 0;
  if (size >= n) return x.slice([...x.shape.slice(0, axis).map(() => 0), size - n]);
  const missing = [...x.shape.slice(0, axis), n - size];
  return concat([full(missing, x.sum().mul(0)), x], axis);
}

/** W of the first correction: a basis of its columns, as in `direct`; of later ones what `sketch` gives. */
export function startOr({ Y, first, site }: UpdateStep, sketch: () => Tensor): Tensor {
  if (first === false) return sketch();
  const P = residual(Y, undefined, site.epsilon);
  if (first === true) return P;
  const later = sketch();
  const width = Math.max(P.shape[1] ?? 0, later.shape[1] ?? 0);
  return where(first, last(P, width), last(later, width));
}
