import { adadelta, adagrad, adamax, adan, ademamix, adopt, lamb, mars, ngd, prodigy, sophiaG, sophiaH } from '@opt/adaptive';
import type { GoldenStep } from '../golden-case.ts';
import type { Family } from './family.ts';

/** How many steps there are from one of those that bring something to the next: recorded runs do not say it otherwise. */
function period(steps: readonly GoldenStep[], brings: (step: GoldenStep) => boolean): { readonly curvatureEvery?: number } {
  const at = steps.flatMap((step, i) => (brings(step) ? [i] : []));
  const [first = 0, second = steps.length] = at;
  return at.length === 0 ? {} : { curvatureEvery: second - first };
}

export const adaptiveFamily: Family = {
  optimizers: {
    adagrad,
    adadelta,
    adamax,
    adan,
    ademamix,
    adopt,
    lamb,
    mars,
    ngd,
    prodigy,
    'sophia-g': (hyperparameters, steps = []) =>
      sophiaG({ ...period(steps, ({ sampledGradients }) => sampledGradients !== undefined), ...hyperparameters }),
    'sophia-h': (hyperparameters, steps = []) => sophiaH({ ...period(steps, ({ probe }) => probe !== undefined), ...hyperparameters }),
  },
  components: {},
};
