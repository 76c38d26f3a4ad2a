import { integer, iota, mod, norm, resolve, scaled, type Tensor, where } from '@opt/core';
import type { Factors, LowRankBasis } from './low-rank-basis.ts';

export interface CommonDirectionsOptions {
  /** Against how many directions a new one is orthogonalised, integer ≥ 1, default 100; with it, rank + 1 are kept. */
  readonly rank?: number;
}

/**
 * Common directions: every new column, freed from those kept by modified Gram–Schmidt, becomes the newest of rank + 1; the oldest leaves.
 * What depends on those kept is ignored. There are no eigenvalues. An experiment of the original's.
 */
export function commonDirections(options: CommonDirectionsOptions = {}): LowRankBasis {
  const { rank } = resolve('common-directions', options, { rank: integer(100) });
  const width = (d: number): number => Math.min(rank + 1, d);

  /** The rows of Q with y as the newest, `filled` of them in use. */
  function append(Q: Tensor, filled: Tensor, y: Tensor, epsilon: number): { Q: Tensor; filled: Tensor } {
    const [R = 0] = Q.shape;
    const isFull = filled.ge(R);
    const shifted = Q.gather(where(isFull, mod(iota(R).working().add(1), R), iota(R).working()).int(), 0);
    const place = filled.min(R - 1);
    const before = shifted.mul(iota(R).lt(place).reshape([R, 1]));
    const clean = (v: Tensor): Tensor => v.sub(v.reshape([1, -1]).matmul(before, { transposeB: true }).matmul(before).reshape([-1]));
    const rest = clean(clean(y));
    const { norm: length, to } = scaled([rest]);
    const counts = length.gt(norm(y).mul(32 * epsilon));
    const direction = to(rest, 1);
    return { Q: where(counts, before.setRow(place, direction), Q), filled: where(counts, place.add(1), filled) };
  }

  return {
    name: 'common-directions',
    eigenvalues: false,
    asymmetric: false,
    signed: true,
    width,
    declare(owner, d, _, at) {
      at.slot('Q', owner, { shape: [width(d), d], kind: 'invariant' });
      at.slot('filled', owner, { shape: [], kind: 'invariant' });
    },
    read(owner, site) {
      const Q = site.get('Q', owner);
      const factors = inRows(Q);
      return { whole: factors, kept: { ...factors, active: iota(Q.shape[0] ?? 0).lt(site.get('filled', owner)) } };
    },
    update({ owner, site, Y }) {
      const old = site.get('Q', owner);
      let state = { Q: old, filled: site.get('filled', owner) };
      for (let j = 0; j < (Y.shape[0] ?? 0); j++) state = append(state.Q, state.filled, Y.row(j), site.epsilon);
      return { writes: state, C: state.Q.matmul(old, { transposeB: true }) };
    },
  };
}

/** Q kept in rows, [R, d]. */
const inRows = (Q: Tensor): Factors => ({ down: (X) => X.matmul(Q, { transposeB: true }), up: (U) => U.matmul(Q) });
