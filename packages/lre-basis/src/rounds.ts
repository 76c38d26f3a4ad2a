import {
  allFinite,
  type Declarer,
  debias,
  flag,
  type Hyper,
  integer,
  nullable,
  type Option,
  optional,
  type Resolved,
  type Setting,
  type Site,
  type Tensor,
  unit,
  where,
} from '@opt/core';
import { explicit, masked } from './explicit.ts';
import type { LowRankState, Update, UpdateStep } from './low-rank-basis.ts';
import { amount, regularise, tolerance } from './regularise.ts';

/** The options of every basis that keeps a truncated eigendecomposition: one round inside the accumulator, one on the copy that is used. */
export interface AccumulatorOptions {
  /** How many eigenpairs are kept, integer ≥ 1, default 100. */
  readonly rank?: number;
  /** β of the average, [0, 1), default 0.99; null: a sum, for Hessians. */
  readonly beta?: Setting | null;
  /** Least eigenvalue kept in the accumulator, as a fraction of the largest; [0, 1) or null. */
  readonly eigTol?: number | null;
  /** Added to the accumulator's eigenvalues at every update, ≥ 0, default 0. */
  readonly damping?: number;
  /** The same as a fraction of the largest. */
  readonly rdamping?: number;
  /** Keep the magnitudes of the accumulator's eigenvalues. Default false. */
  readonly abs?: boolean;
  /** How many eigenpairs are used; null (default): all that are kept. */
  readonly updateTruncate?: number | null;
  /** Least eigenvalue used, as a fraction of the largest; null (default): none is left out. */
  readonly updateEigTol?: number | null;
  /** Added to the eigenvalues that are used, ≥ 0. */
  readonly updateDamping?: number;
  /** The same as a fraction of the largest, default 0. */
  readonly updateRdamping?: number;
  /** Use magnitudes of eigenvalues. Default false. */
  readonly updateAbs?: boolean;
}

export type AccumulatorTable = Readonly<{
  rank: Option<number>;
  beta: Option<Hyper | null>;
  eigTol: Option<number | null>;
  damping: Option<number>;
  rdamping: Option<number>;
  abs: Option<boolean>;
  updateTruncate: Option<number | null>;
  updateEigTol: Option<number | null>;
  updateDamping: Option<number>;
  updateRdamping: Option<number>;
  updateAbs: Option<boolean>;
}>;

export const accumulatorOptions = (eigTol: number, updateDamping: number): AccumulatorTable => ({
  rank: integer(100),
  beta: nullable(unit(0.99)),
  eigTol: tolerance(eigTol),
  damping: amount(0),
  rdamping: amount(0),
  abs: flag(false),
  updateTruncate: optional(integer(1)),
  updateEigTol: tolerance(null),
  updateDamping: amount(updateDamping),
  updateRdamping: amount(0),
  updateAbs: flag(false),
});

/** A truncated eigendecomposition QLQᵀ as state: L as accumulated, without its bias, and as used. */
export class Accumulator {
  private readonly options: Resolved<AccumulatorTable>;

  constructor(options: Resolved<AccumulatorTable>) {
    this.options = options;
  }

  /** R: no more columns than the space has. */
  width(d: number): number {
    return Math.min(this.options.rank, d);
  }

  declare(owner: string, d: number, at: Declarer): void {
    const R = this.width(d);
    if (this.options.beta !== null) at.hyper(this.options.beta);
    at.slot('Q', owner, { shape: [d, R], kind: 'invariant' });
    for (const slot of ['L', 'unbiased', 'used']) at.slot(slot, owner, { shape: [R], kind: 'invariant', dtype: 'wide' });
    for (const slot of ['held', 'active']) at.slot(slot, owner, { shape: [R], kind: 'invariant' });
    at.slot('n', owner, { shape: [], kind: 'invariant' });
  }

  read(owner: string, site: Site): LowRankState {
    const whole = explicit(site.get('Q', owner));
    const active = site.get('active', owner);
    return {
      whole: { ...whole, L: site.get('unbiased', owner) },
      kept: { ...masked(whole, active), L: site.get('used', owner), active },
    };
  }

  /** What the old matrix and the correction weigh in the new one. */
  weights(site: Site): readonly [old: Tensor | number, correction: Tensor | number] {
    const { beta } = this.options;
    return beta === null ? [1, 1] : [site.hyper(beta), site.hyper(beta).not()];
  }

  /**
   * Both rounds. `values` [R] are the last R eigenvalues, ascending, `all` every one with its mask; `columns` gives Q for a mask,
   * `overlap` [R, R] its products with the old Q. The first correction is taken as it is, in its numerical range.
   */
  finish(
    { owner, site, Y, first }: UpdateStep,
    values: Tensor,
    active: Tensor,
    all: { readonly values: Tensor; readonly active: Tensor },
    columns: Tensor,
    overlap: Tensor,
  ): Update {
    const { beta, eigTol, damping, rdamping, abs, updateTruncate, updateEigTol, updateDamping, updateRdamping, updateAbs } = this.options;
    const isFirst = first === true ? 1 : first === false ? 0 : first;
    const n = site.get('n', owner).add(Y.shape[0] ?? 0);
    const bias = beta === null ? 1 : debias(site.hyper(beta), n);

    const inRange = active.mul(
      values.abs().gt(
        where(all.active, all.values.abs(), 0)
          .maximum()
          .mul(100 * site.epsilon),
      ),
    );
    const round1 = regularise(values, active, { tol: eigTol, truncate: null, damping, rdamping }, site.epsilon);
    const held = where(isFirst, inRange, round1.kept);
    const L = where(isFirst, where(inRange, values, 0), abs ? round1.L.abs() : round1.L);

    const round2 = regularise(
      updateAbs ? L.abs() : L,
      held,
      { tol: updateEigTol, truncate: updateTruncate, damping: updateDamping, rdamping: updateRdamping },
      site.epsilon,
    );
    const used = where(isFirst, held, round2.kept);
    const rows = used.reshape([-1, 1]);
    return {
      writes: {
        Q: columns.mul(held),
        L,
        unbiased: L.div(bias),
        used: where(isFirst, L, round2.L).div(bias),
        held,
        active: used,
        n,
      },
      C: overlap.mul(rows).mul(site.get('active', owner)).working(),
      ok: allFinite(all.values),
    };
  }
}
