import { describe, it } from 'vitest';
import { adan } from './index.ts';
import { byHand, expectClose, gradients, length, path } from './testing/runs.ts';

const [rate, beta1, beta2, beta3, epsilon, lambda] = [0.05, 0.9, 0.8, 0.95, 1e-6, 0.2];

const formula = (proximal: boolean, given = gradients): number[][] =>
  byHand(
    { m: 0, delta: 0, v: 0, previous: 0 },
    (p, g, s, t) => {
      const change = t === 1 ? 0 : g - s.previous;
      s.previous = g;
      s.m = beta1 * s.m + (1 - beta1) * g;
      s.delta = beta2 * s.delta + (1 - beta2) * change;
      s.v = beta3 * s.v + (1 - beta3) * (g + beta2 * change) ** 2;
      const D = Math.sqrt(s.v / (1 - beta3 ** t)) + epsilon;
      const u = (s.m / (1 - beta1 ** t) + (beta2 * s.delta) / (1 - beta2 ** t)) / D;
      return proximal ? (p - rate * u) / (1 + rate * lambda) : p * (1 - rate * lambda) - rate * u;
    },
    given,
  );

describe('adan', () => {
  const options = { learningRate: rate, beta1, beta2, beta3, epsilon, weightDecay: lambda };

  it('is the formula, with either decay', () => {
    expectClose(path(adan(options)), formula(true));
    expectClose(path(adan({ ...options, proximal: false })), formula(false));
  });

  it('shortens all gradients together, and remembers them so', () => {
    const limit = 1.5;
    const shortened = gradients.map((g) => g.map((x) => x * Math.min(1, limit / (length(g) + epsilon))));
    expectClose(path(adan({ ...options, maxGradientNorm: limit })), formula(true, shortened));
  });
});
