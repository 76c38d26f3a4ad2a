import { full, integer, iota, nullable, resolve, type Setting, unit } from '@opt/core';
import { explicit } from './explicit.ts';
import type { LowRankBasis } from './low-rank-basis.ts';

export interface TopKOptions {
  /** How many coordinates, integer ≥ 1, default 100. */
  readonly topk?: number;
  /** β of an average of magnitudes, [0, 1); null (default): those of the last correction. */
  readonly beta?: Setting | null;
}

/** The coordinates in which the correction is largest, by |max over its columns|; eigenvalues are those magnitudes. An experiment of the original's. */
export function topK(options: TopKOptions = {}): LowRankBasis {
  const { topk, beta } = resolve('top-k', { beta: null, ...options }, { topk: integer(100), beta: nullable(unit(0.99)) });
  const width = (d: number): number => Math.min(topk, d);
  return {
    name: 'top-k',
    eigenvalues: true,
    asymmetric: false,
    signed: false,
    width,
    declare(owner, d, _, at) {
      if (beta !== null) {
        at.hyper(beta);
        at.slot('magnitudes', owner, { shape: [d], kind: 'invariant' });
      }
      at.slot('Q', owner, { shape: [d, width(d)], kind: 'invariant' });
      at.slot('L', owner, { shape: [width(d)], kind: 'invariant' });
    },
    read(owner, site) {
      const L = site.get('L', owner);
      const factors = explicit(site.get('Q', owner));
      return { whole: { ...factors, L }, kept: { ...factors, L, active: full(L.shape, 1) } };
    },
    update({ owner, site, Y }) {
      const old = site.get('Q', owner);
      const [d = 0, R = 0] = old.shape;
      const now = Y.maximum([0]).abs();
      const magnitudes = beta === null ? now : site.get('magnitudes', owner).lerp(now, site.hyper(beta).not());
      const chosen = magnitudes.neg().argsort().slice([0], [R]);
      const Q = iota(d).reshape([d, 1]).eq(chosen).working();
      return {
        writes: { Q, L: magnitudes.gather(chosen, 0), ...(beta !== null && { magnitudes }) },
        C: Q.matmul(old, { transposeA: true }),
      };
    },
  };
}
