import { message, OptionRangeError, OptionTypeError, type Rule, type Shape, type Transform } from '@opt/core';
import { general } from '@opt/transforms';
import type { Manifold } from './manifold.ts';
import { retract, steepestDescent } from './on-manifold.ts';
import { type BaseSettings, baseSettings, project, projectedHalves, type WeightMap } from './projected.ts';
import { type Halves, roleOf, routed } from './roles.ts';
import type { Projection, ResolvedShared } from './shared-options.ts';
import { kernelView, type Layout, layoutOf, viewed } from './view.ts';

/** A rule that keeps parameters on a manifold. */
export interface ManifoldRule extends Rule {
  /** Of parameters as they are: kernels and blocks are taken care of; where `layout` is left to the model, of 'out-in' ones. */
  readonly manifold: Manifold;
  /** Whether the rule keeps this parameter on the manifold, or leaves it to AdamW. */
  constrains(name: string, shape: Shape): boolean;
}

/** A map of projected mode, and what stands in for it at construction. */
export interface ProjectionMap {
  readonly map: WeightMap;
  readonly first?: WeightMap;
}

export interface ManifoldParts {
  /** Over matrices. */
  readonly manifold: Manifold;
  /** Maps beside the manifold's own projection, or in its place. */
  readonly projections?: Readonly<Partial<Record<Projection, ProjectionMap>>>;
  /** In place of momentum, tangent and steepest direction. */
  readonly direction?: (manifold: Manifold) => Transform;
  /** What happens to gradients before the base of projected mode. */
  readonly before?: readonly Transform[];
}

/** The optimizer on a manifold that these options describe: hidden parameters on it, all others by AdamW. */
export function manifoldRule(o: ResolvedShared, parts: ManifoldParts): ManifoldRule {
  const manifoldOf = (layout: Layout): Manifold => viewed(parts.manifold, (shape) => kernelView(shape, layout, 'flatten'));
  const base = baseSettings(o);
  const halves = (layout: Layout): Halves =>
    o.mode === 'manifold' ? manifoldHalves(o, manifoldOf(layout), parts) : euclideanHalves(o, base, layout, manifoldOf(layout), parts);
  const manifold = manifoldOf(layoutOf(o.layout, {}));
  return {
    ...general(
      o,
      routed(o, halves, (shape, layout) => manifoldOf(layout).refuses(shape)),
    ),
    manifold,
    constrains: (name, shape) => roleOf(o.name, o.roles, name, shape) === 'hidden' && manifold.refuses(shape) === undefined,
  };
}

function manifoldHalves(o: ResolvedShared, manifold: Manifold, { direction }: ManifoldParts): Halves {
  const { learningRate, momentum, nesterov, weightDecay } = o;
  if (weightDecay !== null && weightDecay.value !== 0)
    throw new OptionRangeError(message(o.name, 'weightDecay', "0 on a manifold (mode 'manifold')", weightDecay.value));
  return {
    direction: direction?.(manifold) ?? steepestDescent(manifold, momentum, nesterov),
    move: retract(manifold, { learningRate }),
  };
}

function euclideanHalves(
  o: ResolvedShared,
  base: BaseSettings,
  layout: Layout,
  manifold: Manifold,
  { projections, before }: ManifoldParts,
): Halves {
  const known: Readonly<Partial<Record<Projection, ProjectionMap>>> = { exact: { map: manifold.project }, ...projections };
  const chosen = known[o.projection];
  if (chosen === undefined) {
    const expected = Object.keys(known).map((name) => `'${name}'`);
    throw new OptionTypeError(message(o.name, 'projection', expected.join(' or '), o.projection));
  }
  const onKernels =
    (map: WeightMap): WeightMap =>
    (w, epsilon) => {
      const view = kernelView(w.shape, layout, 'flatten');
      return view.unfold(map(view.fold(w), epsilon));
    };
  return projectedHalves(o, base, layout, project(onKernels(chosen.map), onKernels(chosen.first ?? chosen.map)), before);
}
