import { describe, it } from 'vitest';
import { adadelta, adagrad, adamax } from './index.ts';
import { byHand, expectClose, path } from './testing/runs.ts';

const rate = 0.1;
const lambda = 0.3;
const decayed = (p: number): number => p * (1 - rate * lambda);

describe('the rules that TensorFlow.js has', () => {
  it.each([0.1, 0])('adagrad is the formula, from %d', (initialAccumulator) => {
    const epsilon = 1e-5;
    expectClose(
      path(adagrad({ learningRate: rate, initialAccumulator, epsilon, weightDecay: lambda })),
      byHand({ sum: initialAccumulator }, (p, g, s) => {
        s.sum += g * g;
        return decayed(p) - (rate * g) / Math.sqrt(s.sum + epsilon);
      }),
    );
  });

  it('adadelta is the formula', () => {
    const [rho, epsilon] = [0.9, 1e-4];
    expectClose(
      path(adadelta({ learningRate: rate, rho, epsilon, weightDecay: lambda })),
      byHand({ v: 0, x: 0 }, (p, g, s) => {
        s.v = rho * s.v + (1 - rho) * g * g;
        const u = (g * Math.sqrt(s.x + epsilon)) / Math.sqrt(s.v + epsilon);
        s.x = rho * s.x + (1 - rho) * u * u;
        return decayed(p) - rate * u;
      }),
    );
  });

  it('adamax is the formula', () => {
    const [beta1, beta2, epsilon] = [0.8, 0.9, 1e-5];
    expectClose(
      path(adamax({ learningRate: rate, beta1, beta2, epsilon, weightDecay: lambda })),
      byHand({ m: 0, x: 0 }, (p, g, s, t) => {
        s.m = beta1 * s.m + (1 - beta1) * g;
        s.x = Math.max(beta2 * s.x, Math.abs(g));
        return decayed(p) - ((rate / (1 - beta1 ** t)) * s.m) / (s.x + epsilon);
      }),
    );
  });
});
