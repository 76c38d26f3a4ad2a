import { OptError, type Rule } from '@opt/core';
import { normalizeByEma, normalizeEma } from '@opt/normalize-ema';
import { isRecord } from '../golden-case.ts';
import { type Family, type MakeOptimizer, numbersOf, replayDirection } from './family.ts';

/** Its base is any recorded optimizer, so it is made around the table of all. */
export const normalizeEmaFamily = (optimizerOf: (name: string) => MakeOptimizer): Family => {
  function baseOf(base: unknown): Rule {
    if (!isRecord(base) || typeof base['optimizer'] !== 'string')
      throw new OptError('transform', 'base must be { optimizer, hyperparameters }');
    return optimizerOf(base['optimizer'])(isRecord(base['hyperparameters']) ? base['hyperparameters'] : {});
  }
  return {
    optimizers: { 'normalize-ema': ({ base, ...options }) => normalizeEma({ ...numbersOf(options), base: baseOf(base) }) },
    components: {
      'normalize-ema': (hyperparameters, backend, first) => replayDirection(normalizeByEma(numbersOf(hyperparameters)), backend, first),
    },
  };
};
