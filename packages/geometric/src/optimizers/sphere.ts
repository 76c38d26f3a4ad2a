import {
  choice,
  debias,
  type Hyper,
  perTensor,
  resolve,
  type Setting,
  type Shape,
  scaled,
  type Tensor,
  type Transform,
  unit,
  where,
} from '@opt/core';
import type { Manifold } from '../manifold.ts';
import { type ManifoldRule, manifoldRule } from '../manifold-rule.ts';
import { sphereManifold, vectorAxes, vectorNorms } from '../manifolds/sphere.ts';
import { shortened } from '../matrix.ts';
import { positiveNumber } from '../options.ts';
import { learningRateOption, type ManifoldOptions, sharedOptions } from '../shared-options.ts';
import type { Axis } from '../view.ts';

export interface ObliqueOptions extends ManifoldOptions {
  /** Which vectors are constrained, default 'columns'. */
  readonly axis?: Axis;
  /** Their norm r > 0, default 1. */
  readonly radius?: number;
  /**
   * `'normalized'` (default, η 0.005): every vector turns by atan η; wants a falling η. `'riemannian'`: the tangent gradient. `'adam'`: that,
   * divided by the root of one second moment per vector (`beta2` 0.99, `epsilon` 1e-8); suits a constant η of about 0.02.
   */
  readonly direction?: 'normalized' | 'riemannian' | 'adam';
  /** Of direction 'adam', default 0.99; of base 'adamw' in projected mode, default 0.999. */
  readonly beta2?: Setting | null;
}

export interface HypersphereOptions extends Omit<ObliqueOptions, 'axis'> {
  /** One vector per row (default, an embedding table), per column, or the whole tensor. */
  readonly axis?: Axis | 'tensor';
}

/** Every column (or row) of W on a sphere of radius r, default learning rate 0.005; a vector of 0 starts as r times the first unit vector. */
export function oblique(options: ObliqueOptions = {}): ManifoldRule {
  return sphereRule('oblique', options, options, 'columns', ['columns', 'rows']);
}

/** Every row of an embedding table, every column, or a whole tensor on a sphere of radius r, default learning rate 0.005. */
export function hypersphere(options: HypersphereOptions = {}): ManifoldRule {
  return sphereRule('hypersphere', options, options, 'rows', ['rows', 'columns', 'tensor']);
}

function sphereRule<A extends Axis | 'tensor'>(
  name: string,
  options: HypersphereOptions,
  given: object,
  fallback: NoInfer<A>,
  axes: readonly A[],
): ManifoldRule {
  const o = resolve(name, given, {
    ...sharedOptions(name),
    learningRate: learningRateOption(options, 0.005),
    axis: choice(fallback, axes),
    radius: positiveNumber(1),
    direction: choice('normalized', ['normalized', 'riemannian', 'adam']),
  });
  const { axis, radius, direction, projectionEpsilon } = o;
  const axisOf: Axis | 'tensor' = axis;
  const beta2 = unit(0.99)(o.beta2 ?? undefined, o.name, 'beta2');
  const adam = (manifold: Manifold): Transform => sphereAdam(manifold, axisOf, { ...o, beta2 });
  return manifoldRule(o, {
    manifold: sphereManifold(name, { axis, radius, direction }),
    projections: { exact: { map: (w) => towards(w, axis, radius, projectionEpsilon) } },
    ...(direction === 'adam' && { direction: adam }),
  });
}

/** r·w_j/(‖w_j‖ + ε) of every constrained vector. */
function towards(w: Tensor, axis: Axis | 'tensor', radius: number, epsilon: number): Tensor {
  const { norm, to } = scaled([w], vectorAxes(axis, w.shape));
  return to(w, radius).div(where(norm.gt(0), norm, 1).reciprocal().mul(epsilon).add(1));
}

interface SphereAdamOptions {
  readonly momentum: Hyper;
  readonly nesterov: boolean;
  readonly beta2: Hyper;
  readonly epsilon: Hyper;
}

/**
 * One second moment per vector: v_j ← β₂v_j + (1−β₂)‖tangent part of G‖², a_j = xi_j/(1 − μ^{t+1})/(√(v_j/(1−β₂ᵗ)) + ε), where xi is
 * the tangent part of U; without Nesterov the first exponent is t.
 */
function sphereAdam(manifold: Manifold, axis: Axis | 'tensor', o: SphereAdamOptions): Transform {
  const perVector = (shape: Shape): Shape => {
    const axes = vectorAxes(axis, shape);
    return shape.map((n, i) => (axes.includes(i) ? 1 : n));
  };
  return perTensor({
    name: 'momentum',
    hyper: { momentum: o.momentum, beta2: o.beta2, epsilon: o.epsilon },
    state: ({ shape }) => ({ m: { shape, kind: 'vector' }, v: { shape: perVector(shape), kind: 'invariant' } }),
    apply({ update, parameter: w, state: { m, v }, hyper: { momentum, beta2, epsilon }, count: t, site }) {
      const g = shortened(update, site);
      const m1 = m.lerp(g, momentum.not());
      const v1 = v.lerp(vectorNorms(manifold.tangent(w, g), axis).square(), beta2.not());
      const xi: Tensor = manifold.tangent(w, o.nesterov ? m1.lerp(g, momentum.not()) : m1);
      const correction = debias(momentum, o.nesterov ? t.add(1) : t);
      return { update: xi.div(correction).div(v1.div(debias(beta2, t)).sqrt().add(epsilon)), state: { m: m1, v: v1 } };
    },
  });
}
