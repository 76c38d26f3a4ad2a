import { sophiaH } from '@opt/adaptive';
import type { Objective, Rule } from '@opt/core';
import { lre } from '@opt/lre';
import { bfgs, covarianceTimesLoss, empiricalFisher, fullHutchinsonHessian, gaussNewton, shorR, sr1 } from '@opt/lre-curvature';

type Values = Readonly<Record<string, Float32Array>>;

/** Optimizers that ask an objective for more than gradients. */
export const asking: readonly { readonly label: string; make(): Rule }[] = [
  { label: 'sophiaH()', make: () => sophiaH({ curvatureEvery: 2 }) },
  { label: "sophiaH(hvpMethod 'central')", make: () => sophiaH({ curvatureEvery: 3, hvpMethod: 'central' }) },
  ...Object.entries({ bfgs, sr1, shorR, fullHutchinsonHessian, gaussNewton, empiricalFisher, covarianceTimesLoss }).map(
    ([label, curvature]) => ({ label: `lre(${label})`, make: () => lre({ learningRate: 0.02, curvature: curvature() }) }),
  ),
];

/** Where a poisoned objective gives what it should not, and whether it was asked there. */
export interface Poison {
  readonly value: number;
  asked: boolean;
}

/** Answers of a made-up loss with these gradients: curvature that differs from element to element, two samples. */
export function objectiveOf(gradients: Values, poison?: Poison): Objective<string, 'sync'> {
  const poisoned = <T extends Float32Array | number>(answer: T): T | number => {
    if (poison === undefined) return answer;
    poison.asked = true;
    if (typeof answer === 'number') return poison.value;
    answer[answer.length - 1] = poison.value;
    return answer;
  };
  const each = (values: Values, f: (values: Float32Array) => Float32Array): Values =>
    Object.fromEntries(Object.entries(values).map(([name, one]) => [name, f(one)]));
  return {
    gradients: () => gradients,
    loss: () => Number(poisoned(1.5)),
    hvp: (v) => each(floats(v), (one) => floatsOf(poisoned(one.map((x, i) => x * (0.5 + (i % 3)))))),
    samples: 2,
    perSampleGradients: () => ({
      gradients: each(gradients, (one) => floatsOf(poisoned(Float32Array.from([...one, ...one.map((x) => 0.5 - x)])))),
      losses: [0.5, 1],
    }),
  };
}

const floats = (values: Readonly<Record<string, ArrayLike<number>>>): Values =>
  Object.fromEntries(Object.entries(values).map(([name, one]) => [name, Float32Array.from(one)]));
const floatsOf = (answer: Float32Array | number): Float32Array => (typeof answer === 'number' ? Float32Array.of(answer) : answer);
