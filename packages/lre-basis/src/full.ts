import { allFinite, identity, nullable, resolve, type Setting, unit, where } from '@opt/core';
import { explicit, masked } from './explicit.ts';
import type { LowRankBasis } from './low-rank-basis.ts';
import { regularise, roundOptions } from './regularise.ts';
import { symmetrised } from './residual.ts';

export interface FullOptions {
  /** β of the average, [0, 1), default 0.99; null: a sum. */
  readonly beta?: Setting | null;
  /** How many eigenpairs are kept; null (default): all. */
  readonly truncate?: number | null;
  /** Least eigenvalue kept, as a fraction of the largest; [0, 1), default 1e-12; null: all are kept. */
  readonly eigTol?: number | null;
  /** Added to the eigenvalues, ≥ 0, default 0. */
  readonly damping?: number;
  /** The same as a fraction of the largest, default 0. */
  readonly rdamping?: number;
  /** Take eigenvalues by magnitude. Default false. */
  readonly abs?: boolean;
}

/**
 * The whole matrix, [d, d], from I: M ← βM + (1−β)A, not freed of its bias; for tests and functions of a few variables. What is left of I
 * is a degenerate eigenspace, so coordinate-wise optimizers are ill-defined until d independent corrections came.
 */
export function full(options: FullOptions = {}): LowRankBasis {
  const o = resolve('full', options, { beta: nullable(unit(0.99)), ...roundOptions(1e-12) });
  return {
    name: 'full',
    eigenvalues: true,
    asymmetric: true,
    signed: true,
    width: (d) => d,
    declare(owner, d, _, at) {
      if (o.beta !== null) at.hyper(o.beta);
      at.slot('M', owner, { shape: [d, d], kind: 'invariant', init: 'identity', symmetric: true });
      at.slot('Q', owner, { shape: [d, d], kind: 'invariant' });
      at.slot('L', owner, { shape: [d], kind: 'invariant' });
      at.slot('active', owner, { shape: [d], kind: 'invariant' });
    },
    read(owner, site) {
      const active = site.get('active', owner);
      const Q = masked(explicit(site.get('Q', owner)), active);
      const L = site.get('L', owner);
      return { whole: { ...Q, L }, kept: { ...Q, L, active } };
    },
    update({ owner, site, Y, Z = Y, alpha }) {
      const weighted = alpha === undefined ? Y : Y.mul(alpha.reshape([-1, 1]));
      const A = symmetrised(weighted.matmul(Z, { transposeA: true }));
      const M = site.get('M', owner);
      const M1 = o.beta === null ? M.add(A) : M.lerp(A, site.hyper(o.beta).not());
      const { values, vectors: Q } = M1.eigh();
      const { L, kept } = regularise(o.abs ? values.abs() : values, values.isFinite(), { ...o, tol: o.eigTol }, site.epsilon);
      const old = site.get('Q', owner).mul(site.get('active', owner));
      return {
        writes: { M: M1, Q: where(allFinite(Q), Q, identity(Q.shape[0] ?? 0)), L, active: kept },
        C: Q.matmul(old, { transposeA: true }).mul(kept.reshape([-1, 1])),
        ok: allFinite(values),
      };
    },
  };
}
