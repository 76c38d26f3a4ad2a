import { concat, resolve, type Tensor } from '@opt/core';
import type { LowRankBasis } from './low-rank-basis.ts';
import { activeEigh } from './regularise.ts';
import { diagonal, present, residual, symmetrised } from './residual.ts';
import { Accumulator, type AccumulatorOptions, accumulatorOptions } from './rounds.ts';

/**
 * Direct eigendecomposition of a truncated one plus a correction of k columns: with P a basis of what Y has outside of Q, B = [Q, P],
 *
 *     w₁QLQᵀ + w₂·sym(Y diag(α) Zᵀ) = B·(diag(w₁L, 0) + w₂·sym(BᵀY diag(α) (BᵀZ)ᵀ))·Bᵀ
 *
 * so an eigenproblem of size rank + k is all it takes. Defaults: eigTol 1e-4, updateDamping 1e-4.
 */
export function direct(options: AccumulatorOptions = {}): LowRankBasis {
  const accumulator = new Accumulator(resolve('direct', options, accumulatorOptions(1e-4, 1e-4)));
  return {
    name: 'direct',
    eigenvalues: true,
    asymmetric: true,
    signed: true,
    width: (d) => accumulator.width(d),
    declare: (owner, d, _, at) => accumulator.declare(owner, d, at),
    read: (owner, site) => accumulator.read(owner, site),
    update(step) {
      const { owner, site, Y, Z, alpha } = step;
      const [Q, L] = [site.get('Q', owner), site.get('L', owner)];
      const [, R = 0] = Q.shape;
      const P = residual(Z === undefined ? Y : concat([Y, Z]), Q, site.epsilon);
      const [, m = 0] = P.shape;
      const [w1, w2] = accumulator.weights(site);

      const inside = (X: Tensor): Tensor => concat([X.matmul(Q), X.matmul(P)], 1).wide();
      const y = inside(Y);
      const z = Z === undefined ? y : inside(Z);
      const weighted = alpha === undefined ? y : y.mul(alpha.reshape([-1, 1]));
      const correction = weighted.matmul(z, { transposeA: true, alpha: w2 });
      const old = concat([L.mul(w1), L.slice([0], [1]).mul(0).broadcastTo([m])]);
      const K = symmetrised(correction).add(diagonal(old));

      const { values, vectors, active } = activeEigh(K, concat([site.get('held', owner), present(P)]));
      const S = vectors.slice([0, m]);
      const [top, bottom] = [S.slice([0], [R]), S.slice([R])];
      const columns = Q.matmul(top.working()).add(P.matmul(bottom.working()));
      return accumulator.finish(step, values.slice([m]), active.slice([m]), { values, active }, columns, top.T);
    },
  };
}
