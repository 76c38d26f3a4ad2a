import type { Objective, Values } from '@opt/core';
import type { GoldenTensor } from './golden-tensor.ts';

/** What a recorded run minimised, where it has no gradients of its own. */
export type Problem =
  | { readonly kind: 'quadratic'; readonly matrix: GoldenTensor; readonly vector: GoldenTensor }
  | { readonly kind: 'rosenbrock' }
  | { readonly kind: 'logistic'; readonly inputs: GoldenTensor; readonly labels: GoldenTensor; readonly l2: number };

interface Evaluated {
  readonly loss: number;
  readonly gradient: number[];
}

const at = (x: ArrayLike<number>, i: number): number => x[i] ?? Number.NaN;

/** f = ½xᵀAx − bᵀx. */
function quadratic(A: readonly number[], b: readonly number[], x: readonly number[]): Evaluated {
  const Ax = x.map((_, i) => x.reduce((sum, one, j) => sum + at(A, i * x.length + j) * one, 0));
  return {
    loss: x.reduce((sum, one, i) => sum + one * (at(Ax, i) / 2 - at(b, i)), 0),
    gradient: Ax.map((one, i) => one - at(b, i)),
  };
}

/** f = Σ 100(x_{i+1} − x_i²)² + (1 − x_i)². */
function rosenbrock(x: readonly number[]): Evaluated {
  const gradient = x.map(() => 0);
  let loss = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const [off, rest] = [at(x, i + 1) - at(x, i) ** 2, 1 - at(x, i)];
    loss += 100 * off ** 2 + rest ** 2;
    gradient[i] = at(gradient, i) - 400 * off * at(x, i) - 2 * rest;
    gradient[i + 1] = at(gradient, i + 1) + 200 * off;
  }
  return { loss, gradient };
}

/** f = mean ln(1 + e^{−y(Xw + b)}) + ½·l2·‖w‖², x being w and then b. */
function logistic({ inputs, labels, l2 }: Extract<Problem, { kind: 'logistic' }>, x: readonly number[]): Evaluated {
  const [samples = 0, features = 0] = inputs.shape;
  const gradient = x.map((one, j) => (j < features ? l2 * one : 0));
  let loss = (l2 / 2) * x.slice(0, features).reduce((sum, one) => sum + one ** 2, 0);
  for (let i = 0; i < samples; i++) {
    const row = [...inputs.data.slice(i * features, (i + 1) * features), 1];
    const margin = at(labels.data, i) * row.reduce((sum, one, j) => sum + one * at(x, j), 0);
    loss += (Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin)) / samples;
    const weight = -at(labels.data, i) / (1 + Math.exp(margin)) / samples;
    row.forEach((one, j) => {
      gradient[j] = at(gradient, j) + weight * one;
    });
  }
  return { loss, gradient };
}

/** f and ∇f at all parameters joined. */
export function evaluated(problem: Problem, x: readonly number[]): Evaluated {
  switch (problem.kind) {
    case 'quadratic':
      return quadratic(problem.matrix.data, problem.vector.data, x);
    case 'rosenbrock':
      return rosenbrock(x);
    case 'logistic':
      return logistic(problem, x);
  }
}

/** A problem as an objective of a model, at `now()` where it is not asked elsewhere; `losses` are those that were asked for, in order. */
export function objectiveOf(
  problem: Problem,
  sizes: readonly (readonly [name: string, size: number])[],
  now: readonly number[],
): { readonly objective: Objective<string, 'sync'>; readonly losses: readonly number[] } {
  const losses: number[] = [];
  const joined = (there: Values): number[] => sizes.flatMap(([name]) => [...(there[name] ?? [])]);
  const answer = (there: Values | undefined): Evaluated => evaluated(problem, there === undefined ? now : joined(there));
  return {
    losses,
    objective: {
      gradients(there) {
        const { gradient } = answer(there);
        let start = 0;
        return Object.fromEntries(
          sizes.map(([name, n]) => {
            start += n;
            return [name, gradient.slice(start - n, start)];
          }),
        );
      },
      loss(there) {
        const { loss } = answer(there);
        losses.push(loss);
        return loss;
      },
    },
  };
}
