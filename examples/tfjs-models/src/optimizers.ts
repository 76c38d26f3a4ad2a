import { toTfjsOptimizer } from '@opt/backend-tfjs';
import { muon } from '@opt/geometric';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import { train } from '@tensorflow/tfjs-core';
import type { Maker } from './program.ts';

const learningRate = 0.02;

/** tfjs's own, at the rate of ours. */
export const adam: Maker = () => train.adam(learningRate);

/** By name; each goes by the layers of the models it is made for. */
export const optimizers: Readonly<Record<string, Maker>> = {
  /** Adam of tfjs, number by number. */
  adamw: (...model) => toTfjsOptimizer(adamw({ learningRate, epsilon: 1e-7, weightDecay: 0 }), { className: 'ModelsAdamW', model }),
  soap: (...model) => toTfjsOptimizer(soap({ learningRate, weightDecay: 0, preconditionFrequency: 2 }), { className: 'ModelsSoap', model }),
  'normalize-ema': (...model) =>
    toTfjsOptimizer(normalizeEma({ base: soap({ learningRate: 2, weightDecay: 0, preconditionFrequency: 2 }) }), {
      className: 'ModelsNormalizeEma',
      model,
    }),
  muon: (...model) => toTfjsOptimizer(muon({ learningRate: 0.05, aux: { learningRate } }), { className: 'ModelsMuon', model }),
};
