import type { Declarer, Site, Tensor } from '@opt/core';

/** A ← A + Y diag(α) Zᵀ, with corrections in rows: Y, Z [k, d], α [k]. */
export interface Correction {
  readonly Y: Tensor;
  /** Absent: Y. */
  readonly Z?: Tensor | undefined;
  /** Absent: 1. */
  readonly alpha?: Tensor | undefined;
  /** 1 where it is one, 0 where the matrix is to stay as it is; absent: 1. */
  readonly accepted?: Tensor | undefined;
}

/** What a curvature sees of a step; vectors are of all d parameters. */
export interface CurvatureStep {
  readonly owner: string;
  readonly site: Site;
  readonly gradient: Tensor;
  readonly parameter: Tensor;
  /** Whether a correction is wanted. */
  readonly refresh: boolean;
  /** Steps since the last refresh, this one included; on a refresh only. */
  readonly columns: number;
  /** The position of this step among them, from 0. */
  readonly place: Tensor;
  /** The first step of all. */
  readonly first: boolean;
  /** What the basis held after the previous refresh, without regularisation; all 0 before the first. */
  readonly matrix: {
    /** B v = Q(L∘(Qᵀv)). */
    multiply(v: Tensor): Tensor;
    /** Q(Qᵀv). */
    project(v: Tensor): Tensor;
    /** max|L|. */
    readonly largest: Tensor;
  };
}

/** What a curvature makes of a step. */
export interface Observation {
  /** What stands in for the gradient; absent: it stays. */
  readonly gradient?: Tensor;
  /** On a refresh: the correction; absent: none is to be had. */
  readonly correction?: Correction;
  /** On a refresh: a probe and its product with the Hessian. */
  readonly product?: { readonly z: Tensor; readonly Hz: Tensor };
  /** On a refresh: [b, d] per-sample gradients. */
  readonly jacobian?: Tensor;
}

/** A matrix of the parameter space, known through low-rank corrections. */
export interface Curvature {
  readonly name: string;
  /** Corrections may be refused on the device. */
  readonly rejects: boolean;
  /** α may be something else than 1. */
  readonly signed: boolean;
  /** Corrections have a Z of their own. */
  readonly asymmetric: boolean;
  /** It multiplies by the matrix of the basis, so eigenvalues are needed. */
  readonly multiplies: boolean;
  /** What it has for the stages inside the basis. */
  readonly offers: readonly ('product' | 'jacobian')[];
  /** How many columns a correction has: one per step since the last refresh, one per sample, or always as many. */
  readonly columns: 'steps' | 'samples' | number;
  /** The first step of all has none yet. */
  readonly late?: boolean;
  /** `window`: the most steps between refreshes. */
  declare(owner: string, d: number, window: number, at: Declarer): void;
  /** On every step. */
  observe(step: CurvatureStep): Observation;
  /** Before the update, on a refresh: what is to be multiplied by the Hessian. */
  probe?(step: CurvatureStep): Tensor;
}
