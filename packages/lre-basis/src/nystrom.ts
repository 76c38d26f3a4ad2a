import { integer, norm, resolve, type Tensor, where } from '@opt/core';
import type { LowRankBasis, Progress, Update, UpdateStep } from './low-rank-basis.ts';
import { Accumulator, type AccumulatorOptions, accumulatorOptions } from './rounds.ts';
import { last, rayleighRitz, type Sum, startOr, sumOf } from './sketch.ts';

export interface NystromOptions extends AccumulatorOptions {
  /** Columns beyond the rank in the sketch, integer ≥ 0, default 10. */
  readonly oversampling?: number;
  /** Ω is drawn anew when the number of columns seen is a multiple of this, integer ≥ 1, default 1. */
  readonly omegaUpdateFreq?: number;
}

/**
 * Nyström approximation (Tropp et al. 2017, algorithm 3) of A = w₁QLQᵀ + w₂YYᵀ, which must be positive semidefinite: with an orthonormal
 * random Ω and V = AΩ + νΩ, B = V(ΩᵀV)^−½ has A + ν ≈ BBᵀ; its left singular vectors are Q, L = σ² − ν. Defaults: eigTol 1e-12,
 * updateDamping 1e-12.
 */
export function nystrom(options: NystromOptions = {}): LowRankBasis {
  const o = resolve('nystrom', options, { ...accumulatorOptions(1e-12, 1e-12), oversampling: integer(10, 0), omegaUpdateFreq: integer(1) });
  const accumulator = new Accumulator(o);
  const sketchSize = (d: number): number => Math.min(o.rank + o.oversampling, d);

  /** Ω, kept where it is not drawn for every update. */
  function test({ owner, site, phase }: UpdateStep, d: number): Tensor {
    const drawn = (): Tensor => site.draw('omega', owner, 'normal', [d, sketchSize(d)]).orthonormalize('complete');
    if (o.omegaUpdateFreq === 1) return drawn();
    // The first update uses none.
    const redraw = ({ columns, corrections }: Progress): boolean => corrections === 2 || columns % o.omegaUpdateFreq === 0;
    const omega = phase((progress) => (redraw(progress) ? 'redraw' : 'reuse')) === 'redraw' ? drawn() : site.get('omega', owner);
    site.set('omega', owner, omega);
    return omega;
  }

  function later(step: UpdateStep, sum: Sum): Update {
    const { site } = step;
    const [d = 0, R = 0] = sum.Q.shape;
    const l = sketchSize(d);
    const omega = test(step, d);
    const V0 = sum.times(omega);
    const nu = norm(V0).mul(site.epsilon);
    const V = V0.add(omega.mul(nu));
    // Singular on every ordinary step, since the rank is below l: no Cholesky factor.
    const { values: gamma, vectors: U } = omega.matmul(V, { transposeA: true }).wide().eigh();
    const kept = gamma.gt(gamma.maximum().mul(l * site.epsilon));
    const B = V.matmul(U.mul(where(kept, where(kept, gamma, 1).sqrt().reciprocal(), 0)).working());
    const { values: squares, vectors } = B.matmul(B, { transposeA: true }).wide().eigh();
    const active = squares.gt(squares.maximum().mul(l * site.epsilon)).mul(squares.gt(0));
    const all = { values: squares.sub(nu), active };
    const inverse = where(active, where(active, squares, 1).sqrt().reciprocal(), 0);
    const Q = B.matmul(last(vectors.mul(inverse), R).working());
    const overlap = Q.matmul(sum.Q, { transposeA: true }).wide();
    return accumulator.finish(step, last(all.values, R), last(active, R), all, Q, overlap);
  }

  return {
    name: 'nystrom',
    eigenvalues: true,
    asymmetric: false,
    signed: false,
    width: (d) => accumulator.width(d),
    declare(owner, d, _, at) {
      accumulator.declare(owner, d, at);
      if (o.omegaUpdateFreq > 1) at.slot('omega', owner, { shape: [d, sketchSize(d)], kind: 'invariant' });
    },
    read: (owner, site) => accumulator.read(owner, site),
    update(step) {
      const sum = sumOf(accumulator, step);
      if (step.first === true)
        return rayleighRitz(
          accumulator,
          step,
          sum,
          startOr(step, () => sum.Q),
        );
      if (step.first === false) return later(step, sum);
      const start = rayleighRitz(
        accumulator,
        step,
        sum,
        startOr({ ...step, first: true }, () => sum.Q),
      );
      return choose(step.first, start, later(step, sum));
    },
  };
}

/** One update or the other. */
function choose(condition: Tensor, a: Update, b: Update): Update {
  const pick = (x: Tensor | undefined, y: Tensor | undefined): Tensor | undefined => (x && y ? where(condition, x, y) : (x ?? y));
  const writes = Object.fromEntries(Object.entries(a.writes).map(([slot, x]) => [slot, pick(x, b.writes[slot]) ?? x]));
  const [C, ok] = [pick(a.C, b.C), pick(a.ok, b.ok)];
  return { writes, ...(C && { C }), ...(ok && { ok }) };
}
