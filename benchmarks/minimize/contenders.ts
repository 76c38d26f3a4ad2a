import { minimize } from '@opt/quasi-newton';
import { conjugateGradient, nelderMead } from 'fmin/index.js';
import { levenbergMarquardt } from 'ml-levenberg-marquardt';
import { gradientOf, type LeastSquares, lossOf } from './problem.ts';

/** What a solver needed; how good x is, is looked at from outside. */
export interface Solution {
  readonly x: ArrayLike<number>;
  readonly evaluations: number;
  readonly gradients: number;
}

export interface Contender {
  readonly name: string;
  /** What it was told beyond the problem. */
  readonly told: string;
  readonly solve: (problem: LeastSquares) => Solution;
}

/** Iterations that are enough for everybody who gets there. */
const most = 2000;

const ours = (jac: 'given' | '3-point'): Contender => ({
  name: jac === 'given' ? 'minimize' : 'minimize, differences',
  told: `${jac === 'given' ? 'the gradient; gtol 1e-8, ftol 0' : 'f alone, 3-point differences; gtol 1e-6, ftol 1e-12'}; historySize 20`,
  solve(problem) {
    const { x, evaluations, gradientEvaluations } = minimize((at) => lossOf(problem, at), problem.start, {
      jac: jac === 'given' ? (at) => gradientOf(problem, at) : jac,
      gtol: jac === 'given' ? 1e-8 : 1e-6,
      ftol: jac === 'given' ? 0 : 1e-12,
      historySize: 20,
      maxEvaluations: 1e6,
    });
    return { x, evaluations, gradients: jac === 'given' ? gradientEvaluations : 0 };
  },
});

const fminConjugateGradient: Contender = {
  name: 'fmin conjugateGradient',
  told: `the gradient; maxIterations ${most}; ends at ‖g‖ ≤ 1e-5, which cannot be set`,
  solve(problem) {
    let evaluations = 0;
    const f = (x: number[], gradient: number[] = []): number => {
      evaluations++;
      gradientOf(problem, x).forEach((one, i) => {
        gradient[i] = one;
      });
      return lossOf(problem, x);
    };
    const { x } = conjugateGradient(f, [...problem.start], { maxIterations: most });
    return { x, evaluations, gradients: evaluations };
  },
};

/** Its step that shrinks the simplex assigns to a variable nobody declared, which strict code refuses: there is one now. */
Object.assign(globalThis, { i: 0 });

const fminNelderMead: Contender = {
  name: 'fmin nelderMead',
  told: `f alone; maxIterations 15000, minErrorDelta and minTolerance 1e-10`,
  solve(problem) {
    let evaluations = 0;
    const f = (x: number[]): number => {
      evaluations++;
      return lossOf(problem, x);
    };
    const { x } = nelderMead(f, [...problem.start], { maxIterations: 15_000, minErrorDelta: 1e-10, minTolerance: 1e-10 });
    return { x, evaluations, gradients: 0 };
  },
};

/** It fits curves: to zeros, the curve being the residuals by their number. */
const mlLevenbergMarquardt: Contender = {
  name: 'ml-levenberg-marquardt',
  told: `all residuals and their Jacobian; maxIterations ${most}, errorTolerance 1e-15`,
  solve(problem) {
    const count = problem.residuals(problem.start).length;
    const data = { x: Array.from({ length: count }, (_, i) => i), y: Array.from({ length: count }, () => 0) };
    let [evaluations, gradients] = [0, 0];
    const { parameterValues } = levenbergMarquardt(
      data,
      (parameters) => {
        evaluations++;
        const r = problem.residuals(parameters);
        return (i) => r[i] ?? Number.NaN;
      },
      {
        initialValues: [...problem.start],
        maxIterations: most,
        errorTolerance: 1e-15,
        jacobianFunction: (parameters) => {
          gradients++;
          const J = problem.jacobian(parameters);
          return (i) => J[i] ?? [];
        },
      },
    );
    return { x: parameterValues, evaluations, gradients };
  },
};

export const contenders: readonly Contender[] = [
  ours('given'),
  ours('3-point'),
  fminConjugateGradient,
  fminNelderMead,
  mlLevenbergMarquardt,
];
