import { full, integer, resolve } from '@opt/core';
import { explicit } from './explicit.ts';
import type { LowRankBasis } from './low-rank-basis.ts';

export interface RandomOptions {
  /** How many columns, integer ≥ 1, default 100. */
  readonly rank?: number;
  /** Drawn anew every so many updates, integer ≥ 1, default 1. */
  readonly generateFreq?: number;
}

/** Q = QR of a normal matrix; corrections are ignored. There are no eigenvalues. */
export function random(options: RandomOptions = {}): LowRankBasis {
  const { rank, generateFreq } = resolve('random', options, { rank: integer(100), generateFreq: integer(1) });
  const width = (d: number): number => Math.min(rank, d);
  return {
    name: 'random',
    eigenvalues: false,
    asymmetric: true,
    signed: true,
    width,
    declare(owner, d, _, at) {
      at.slot('Q', owner, { shape: [d, width(d)], kind: 'invariant' });
    },
    read(owner, site) {
      const Q = site.get('Q', owner);
      const factors = explicit(Q);
      return { whole: factors, kept: { ...factors, active: full([Q.shape[1] ?? 0], 1) } };
    },
    update({ owner, site, phase }) {
      if (phase(({ corrections }) => ((corrections - 1) % generateFreq === 0 ? 'redraw' : 'reuse')) === 'reuse') return { writes: {} };
      const old = site.get('Q', owner);
      const Q = site.draw('omega', owner, 'normal', old.shape).orthonormalize('complete');
      return { writes: { Q }, C: Q.matmul(old, { transposeA: true }) };
    },
  };
}
