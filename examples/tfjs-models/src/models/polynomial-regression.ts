import { add, mean, mul, pow, type Scalar, scalar, square, sub, type Tensor1D, tensor1d, tidy, variable } from '@tensorflow/tfjs-core';
import { times } from '../data.ts';
import { looping, type Program } from '../program.ts';

const xs = times(40, (i) => i / 20 - 1);
const ys = xs.map((x) => -0.8 * x ** 3 - 0.2 * x ** 2 + 0.9 * x + 0.5 + 0.02 * Math.sin(40 * x));

/** A cubic through points: four scalar variables without names, and `optimizer.minimize`. */
export const polynomialRegression: Program = {
  name: 'polynomial regression',
  start: looping((make) => {
    const coefficients = [0.1, -0.3, 0.2, 0.4].map((value) => tidy(() => variable(scalar(value))));
    const optimizer = make();
    const loss = (x: Tensor1D, y: Tensor1D) => (): Scalar => {
      const terms = coefficients.map((coefficient, power) => mul(coefficient, pow(x, power)));
      return mean(
        square(
          sub(
            terms.reduce((sum, term) => add(sum, term)),
            y,
          ),
        ),
      );
    };
    return {
      optimizers: [optimizer],
      values: () => coefficients,
      restore(values) {
        tidy(() => {
          for (const [i, coefficient] of coefficients.entries()) coefficient.assign(scalar(values[i]?.dataSync()[0] ?? Number.NaN));
        });
      },
      epoch: async () =>
        tidy(() => {
          const [x, y] = [tensor1d(xs), tensor1d(ys)];
          const costs = times(10, () => optimizer.minimize(loss(x, y), true, coefficients)?.dataSync()[0] ?? Number.NaN);
          return costs.at(-1) ?? Number.NaN;
        }),
      dispose() {
        for (const coefficient of coefficients) coefficient.dispose();
      },
    };
  }),
};
