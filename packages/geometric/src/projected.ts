import { chain, perTensor, type Tensor, type Transform } from '@opt/core';
import { adam, decay, descend, l2, momentum } from '@opt/transforms';
import { muonDirection } from './muon-direction.ts';
import { newtonSchulz } from './polar.ts';
import { iteration, polarFactor, type ResolvedPolar } from './polar-options.ts';
import type { Halves } from './roles.ts';
import type { ResolvedShared } from './shared-options.ts';
import { kernelView } from './view.ts';

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

/** A Euclidean step of the chosen base, then a map: `before` is what happens to the gradient first. */
export function projectedHalves(o: ResolvedShared, map: Transform, before: readonly Transform[] = []): Halves {
  const { learningRate, beta1, epsilon, baseMomentum, nesterov } = o;
  const weightDecay = o.weightDecay ?? (o.base === 'adamw' ? 0.01 : 0);
  if (o.base === 'sgd') {
    const still = baseMomentum.value === 0 ? [] : [momentum({ momentum: baseMomentum })];
    return { direction: chain(...before, l2({ weightDecay }), ...still), move: chain(descend({ learningRate }), map) };
  }
  const direction =
    o.base === 'adamw'
      ? adam({ beta1, beta2: o.beta2 ?? 0.999, epsilon })
      : muonDirection({
          momentum: o.momentum,
          nesterov,
          epsilon: 1e-7,
          polar: polarFactor({ ...o, orthogonalization: o.orthogonalization ?? 'newton-schulz' }),
          scale: 'keller',
          layout: o.layout,
          viewOf: (shape) => kernelView(shape, o.layout, 'flatten'),
        });
  return { direction: chain(...before, direction), move: chain(decay({ learningRate, weightDecay }), descend({ learningRate }), map) };
}
