import { chain, type Hyper, nonNegative, perTensor, type Tensor, type Transform, unit } from '@opt/core';
import { adam, decay, descend, l2, momentum } from '@opt/transforms';
import { muonDirection } from './muon-direction.ts';
import { newtonSchulz } from './polar.ts';
import { iteration, polarFactor, type ResolvedPolar } from './polar-options.ts';
import type { Halves } from './roles.ts';
import type { ResolvedShared } from './shared-options.ts';
import { kernelView, type Layout } from './view.ts';

/** A map on the weights; `epsilon`: that of working precision. */
export type WeightMap = (w: Tensor, epsilon: number) => Tensor;

/** p ← map(p), at construction too, there by `first` if given. */
export const project = (map: WeightMap, first: WeightMap = map): Transform =>
  perTensor({
    name: 'project',
    once: (moment, parameter, _, site) => (moment === 'construct' ? first(parameter, site.epsilon) : parameter),
    apply: ({ parameter, site }) => ({ parameter: map(parameter, site.epsilon) }),
  });

/** The map of vukrosic/custom-optimizer-research: quintic steps on W/(‖W‖_F + ε). Singular values end near 1.1, not at one. */
export const quinticOnWeights = (polar: ResolvedPolar, epsilon: number): WeightMap => {
  const { triples } = iteration(polar, 'newton-schulz');
  return (w) => newtonSchulz(w, { triples, epsilon });
};

/** What the base has where no option says it; read once, so that every layout shares it. */
export interface BaseSettings {
  readonly weightDecay: Hyper;
  readonly beta2: Hyper;
  /** ε of the iteration of base 'muon'. */
  readonly polarEpsilon: Hyper;
}

export const baseSettings = ({ name, base, weightDecay, beta2 }: ResolvedShared): BaseSettings => ({
  weightDecay: weightDecay ?? nonNegative(base === 'adamw' ? 0.01 : 0)(undefined, name, 'weightDecay'),
  beta2: beta2 ?? unit(0.999)(undefined, name, 'beta2'),
  polarEpsilon: nonNegative(1e-7)(undefined, name, 'epsilon'),
});

/** A Euclidean step of the chosen base, then a map: `before` is what happens to the gradient first. */
export function projectedHalves(
  o: ResolvedShared,
  { weightDecay, beta2, polarEpsilon }: BaseSettings,
  layout: Layout,
  map: Transform,
  before: readonly Transform[] = [],
): Halves {
  const { learningRate, beta1, epsilon, baseMomentum, nesterov } = o;
  if (o.base === 'sgd') {
    const still = baseMomentum.value === 0 ? [] : [momentum({ momentum: baseMomentum })];
    return { direction: chain(...before, l2({ weightDecay }), ...still), move: chain(descend({ learningRate }), map) };
  }
  const direction =
    o.base === 'adamw'
      ? adam({ beta1, beta2, epsilon })
      : muonDirection({
          momentum: o.momentum,
          nesterov,
          epsilon: polarEpsilon,
          polar: polarFactor({ ...o, orthogonalization: o.orthogonalization ?? 'newton-schulz' }),
          scale: 'keller',
          layout,
          viewOf: (shape) => kernelView(shape, layout, 'flatten'),
        });
  return { direction: chain(...before, direction), move: chain(decay({ learningRate, weightDecay }), descend({ learningRate }), map) };
}
