import { normalized, repeat, type Tensor } from '@opt/core';
import type { Manifold } from '../manifold.ts';
import { along, inner, matrixAxes, sides, sym } from '../matrix.ts';
import { stiefelManifold } from './stiefel.ts';

export interface L1StiefelManifoldOptions {
  readonly radius: number;
  /** λ: of mean|xi|, or absolute. */
  readonly l1Weight: number;
  readonly l1Mode: 'relative' | 'absolute';
  readonly dualSteps: number;
  readonly complete: boolean;
}

/**
 * Stiefel with steps that change few entries: A = −argmin over tangent A of ⟨U, A⟩ + ½‖A‖_F² + λ‖A‖₁, of norm √n. For the tall form:
 *
 *     A = soft(xi + 2wL, λ)     E = wᵀA + Aᵀw     L ← L − E/4     (`dualSteps` times; L counts from that of xi)
 *     W ← r·polar(w − η√n/‖A‖_F · A)
 */
export function l1StiefelManifold(o: L1StiefelManifoldOptions): Manifold {
  const base = stiefelManifold({
    radius: o.radius,
    complete: o.complete,
    direction: 'riemannian',
    retraction: 'polar',
    dualSteps: 0,
    dualLearningRate: 0,
    dualTolerance: 0,
    dualNormalize: false,
    polar: (m) => m,
  });
  return { ...base, name: 'l1-stiefel', lmo: (w, xi) => sparseDirection(w.div(o.radius), xi, o) };
}

function sparseDirection(w: Tensor, xi: Tensor, { l1Weight, l1Mode, dualSteps }: L1StiefelManifoldOptions): Tensor {
  const lambda = l1Mode === 'absolute' ? l1Weight : xi.abs().mean().mul(l1Weight);
  const { A } = repeat(dualSteps, { A: softThreshold(xi, lambda), L: inner(w, xi).mul(0) }, ({ A, L }) => {
    const next = L.sub(sym(inner(w, A)).mul(0.5));
    return { A: softThreshold(along(w, next, { alpha: 2, add: xi }), lambda), L: next };
  });
  return normalized(A, matrixAxes).mul(Math.sqrt(Math.min(...sides(w))));
}

/** sign(x)·max(|x| − t, 0), entry by entry. */
export const softThreshold = (x: Tensor, t: Tensor | number): Tensor => x.sub(x.min(t).max(typeof t === 'number' ? -t : t.neg()));

/** Share of entries that are 0: how sparse a step is. */
export const stepSparsity = (a: Tensor): Tensor => a.eq(0).mean();
