import { emaNesterov, scheduleFreeAdamW, scheduleFreeSgd, tailAverage } from '@opt/averaging';
import type { Rule } from '@opt/core';
import { isRecord } from '../golden-case.ts';
import type { Family, MakeOptimizer } from './family.ts';

const isNumbers = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every((one) => typeof one === 'number');

/** Wrappers of the recorded runs hold an optimizer whose learning rate is a number, or a list with one for each step. */
export const averagingFamily = (optimizerOf: (name: string) => MakeOptimizer): Family => {
  function baseOf(inner: unknown, rates?: unknown): Rule {
    const { optimizer, ...options } = isRecord(inner) ? inner : {};
    const learningRate = isNumbers(rates) ? (step: number): number => rates[step] ?? rates.at(-1) ?? 0 : options['learningRate'];
    return optimizerOf(String(optimizer))({ weightDecay: 0, ...options, learningRate });
  }
  return {
    optimizers: {
      'schedule-free-adamw': scheduleFreeAdamW,
      'schedule-free-sgd': scheduleFreeSgd,
      'ema-nesterov': ({ inner, learningRates, ...options }) =>
        emaNesterov({
          ...options,
          ...(isRecord(inner) && typeof inner['learningRate'] === 'number' && { initialRate: inner['learningRate'] }),
          base: baseOf(inner, learningRates),
        }),
      'tail-ema': ({ inner, start, ...options }) => tailAverage({ ...options, start: Number(start), base: baseOf(inner) }),
    },
    components: {},
  };
};
