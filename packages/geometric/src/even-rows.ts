import { perTensor, type Setting, type Shape, type Tensor, type Transform } from '@opt/core';
import { total } from './matrix.ts';
import { summedOver } from './polar-stages.ts';
import type { Layout, View } from './view.ts';

/** NorMuon's mean squares of rows. */
export interface Variance {
  readonly beta2: Setting;
  readonly varianceEpsilon: Setting;
  /** One mean square a row, or one for each entry of the longer side. */
  readonly varianceAxis: 'rows' | 'longer';
}

/**
 * Rows of equal root mean square over time, and O as long as before, times s (Li et al. 2025):
 *
 *     v_i ← β₂v_i + (1−β₂)·mean_j O_ij²     P_ij = O_ij/(√v_i + ε)     O ← s·P·‖O‖/(‖P‖ + ε)
 *
 * v starts from 0 and keeps that bias: a factor common to all rows cancels. v: a row's mean square, in the original coordinates.
 */
export function evenRows(
  { beta2, varianceEpsilon, varianceAxis }: Variance,
  { viewOf, layout }: { readonly viewOf: (shape: Shape) => View; readonly layout: Layout },
  scaleOf: (shape: Shape) => number,
): Transform {
  const axisOf = (shape: Shape): -1 | -2 => {
    const rows = summedOver('rows', layout);
    const [outputs, inputs] = [shape.at(-3 - rows) ?? 1, shape.at(rows) ?? 1];
    return varianceAxis === 'longer' && outputs < inputs ? summedOver('columns', layout) : rows;
  };
  return perTensor({
    name: 'variance',
    hyper: { beta2, varianceEpsilon },
    state({ shape }) {
      const seen = viewOf(shape).shape;
      const axis = axisOf(seen);
      return { v: { shape: seen.map((n, i) => (i === seen.length + axis ? 1 : n)), kind: 'invariant' } };
    },
    apply({ update, state: { v }, hyper }) {
      const view = viewOf(update.shape);
      const O = view.fold(update);
      const axis = axisOf(O.shape);
      const square = O.square().mean([axis], { keep: true });
      const v1 = v.lerp(square, hyper.beta2.not());
      const f = v1.sqrt().add(hyper.varianceEpsilon).reciprocal();
      // Both lengths from the mean squares at hand: ‖O‖² = d·Σ mean_j O_ij², ‖P‖² = d·Σ f_i²·mean_j O_ij².
      const d = O.shape.at(axis) ?? 1;
      const lengthOf = (squares: Tensor): Tensor => total(squares).mul(d).sqrt();
      const kept = lengthOf(square).div(lengthOf(square.sqrt().mul(f).square()).add(hyper.varianceEpsilon));
      return { update: view.unfold(O.mul(f.mul(kept).mul(scaleOf(O.shape)))), state: { v: v1 } };
    },
  });
}
