import { OptError } from '@opt/core';
import { hyperball, normControl, radialBrake, radiusPin, relativeUpdate, updateFloor, type WeightHook } from '@opt/weight-hooks';
import { isRecord } from '../golden-case.ts';
import type { Family, Hyperparameters, MakeOptimizer } from './family.ts';

const kinds: Readonly<Record<string, (options: Hyperparameters) => WeightHook>> = {
  hyperball,
  relativeUpdate,
  radialBrake,
  updateFloor,
  radiusPin,
};

function stageOf(value: unknown): WeightHook {
  const { kind, ...options } = isRecord(value) ? value : {};
  const make = kinds[String(kind)];
  if (make === undefined)
    throw new OptError('transform', `no stage is called '${String(kind)}', known are ${Object.keys(kinds).join(', ')}`);
  return make(options);
}

/** Its base is any recorded optimizer, whose learning rate stands outside and whose decay is the wrapper's. */
export const weightHooksFamily = (optimizerOf: (name: string) => MakeOptimizer): Family => ({
  optimizers: {
    'norm-control'({ inner, learningRate, stages, ...options }) {
      const { optimizer, ...own } = isRecord(inner) ? inner : {};
      const base = optimizerOf(String(optimizer))({ weightDecay: 0, ...own, ...(learningRate !== undefined && { learningRate }) });
      return normControl({ ...options, base, stages: Array.isArray(stages) ? stages.map(stageOf) : [] });
    },
  },
  components: {},
});
