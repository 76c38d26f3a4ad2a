import { chain, norm, perTensor, type Rule, type Schedule, size, type Transform } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';

/** The steps after which the rate is half of the first. */
const half = 30;
/** The least size of a parameter that its steps are measured by: what starts from 0 moves too. */
const least = 0.01;

/** u ← max(0.01, ‖p‖/√n)·u: steps in proportion to the root mean square of the parameter, as in Adafactor (Shazeer & Stern 2018). */
const inProportion: Transform = perTensor({
  name: 'in-proportion',
  apply: ({ update, parameter: p }) => ({
    update: update.mul(
      norm(p)
        .div(Math.sqrt(size(p.shape)))
        .max(least),
    ),
  }),
});

/**
 * One optimizer with one set of hyperparameters for every task: SOAP + normalize-EMA, all defaults but no decay, in steps in proportion to the
 * parameter, at the rate 1/(1 + t/30), which knows neither the task nor when it ends. Large rates at first cover the distance, which differs
 * between tasks by decades; the norm of the averaged update, which starts at a hundredth, is the warm-up.
 */
export const universal = (scale: number): Rule => {
  const learningRate: Schedule = (step) => scale / (1 + step / half);
  return normalizeEma({ base: soap({ learningRate, weightDecay: 0 }) }).mapDirection((direction) => chain(direction, inProportion));
};
