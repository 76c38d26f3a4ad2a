import { reference } from '@opt/backend-reference';
import { createOptimizer, rule, type Transform } from '@opt/core';
import { expect, it } from 'vitest';
import { adamw, decay, descend, l2, sgd } from './index.ts';

/** One step with a gradient of 0, which leaves what decays and nothing else. */
function decayed(transform: Transform): Record<'kernel' | 'gain' | 'bias', number[]> {
  const optimizer = createOptimizer({
    transform,
    parameters: { kernel: { shape: [1, 2], data: [8, -4] }, gain: { shape: [2], data: [1, 2] }, bias: { shape: [], data: [16] } },
    backend: reference(),
  });
  optimizer.step({ kernel: [0, 0], gain: [0, 0], bias: [0] });
  const { kernel, gain, bias } = optimizer.parameters;
  return { kernel: [...kernel], gain: [...gain], bias: [...bias] };
}

const kept = { gain: [1, 2], bias: [16] };

it.each<[string, (decayOnly: 'matrices' | null) => Transform]>([
  ['adamw', (decayOnly) => adamw({ learningRate: 0.5, weightDecay: 0.5, decayOnly })],
  ['sgd', (decayOnly) => sgd({ learningRate: 0.5, weightDecay: 0.5, decayOnly })],
  ['decay', (decayOnly) => rule(l2(), decay({ learningRate: 0.5, weightDecay: 0.5, decayOnly }), descend())],
  ['independent decay', (decayOnly) => rule(l2(), decay({ weightDecay: 0.25, mode: 'independent', decayOnly }), descend())],
  ['cautious decay', (decayOnly) => rule(l2(), decay({ learningRate: 0.5, weightDecay: 0.5, mode: 'cautious', decayOnly }), descend())],
])("%s decays everything, with decayOnly: 'matrices' only what has two axes", (_, make) => {
  expect(decayed(make(null))).toEqual({ kernel: [6, -3], gain: [0.75, 1.5], bias: [12] });
  expect(decayed(make('matrices'))).toEqual({ kernel: [6, -3], ...kept });
});
