import type { Rule, Schedule } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';

/** The first rate, and the steps after which it is lower by √2. */
const [highest, knee] = [0.3, 100];

/**
 * One optimizer with one set of hyperparameters for every task: SOAP + normalize-EMA, all defaults but no decay, at the rate
 * 0.3/√(1 + t/100), which knows neither the task nor when it ends. Large rates at first cover the distance, which differs between tasks by three decades;
 * the norm of the averaged update, which starts at a hundredth, is the warm-up.
 */
export const universal = (scale: number): Rule => {
  const learningRate: Schedule = (step) => (scale * highest) / Math.sqrt(1 + step / knee);
  return normalizeEma({ base: soap({ learningRate, weightDecay: 0 }) });
};
