import { TransformError } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { lamb } from './index.ts';
import { expectClose, gradients, length, path, start } from './testing/runs.ts';

const [rate, beta1, beta2, epsilon, lambda] = [0.05, 0.8, 0.9, 1e-4, 0.2];

interface Plain {
  readonly correctBias?: boolean;
  readonly minNorm?: number;
  readonly maxNorm?: number | null;
  readonly decays?: boolean;
  readonly trusts?: boolean;
}

function formula({ correctBias = true, minNorm = 0, maxNorm = 10, decays = true, trusts = true }: Plain): number[][] {
  let p = [...start];
  const [m, v] = [start.map(() => 0), start.map(() => 0)];
  return gradients.map((gradient, index) => {
    const t = index + 1;
    const r = gradient.map((g, i) => {
      m[i] = beta1 * (m[i] ?? 0) + (1 - beta1) * g;
      v[i] = beta2 * (v[i] ?? 0) + (1 - beta2) * g * g;
      const [a, b] = correctBias ? [1 - beta1 ** t, 1 - beta2 ** t] : [1, 1];
      return (m[i] ?? 0) / a / (Math.sqrt((v[i] ?? 0) / b) + epsilon) + (decays ? lambda * (p[i] ?? 0) : 0);
    });
    const phi = maxNorm === null ? length(p) : Math.min(maxNorm, Math.max(minNorm, length(p)));
    const q = !trusts || phi === 0 || length(r) === 0 ? 1 : phi / length(r);
    p = p.map((x, i) => x - rate * q * (r[i] ?? 0));
    return p;
  });
}

describe('lamb', () => {
  const options = { learningRate: rate, beta1, beta2, epsilon, weightDecay: lambda };
  it.each<[string, Plain]>([
    ['by default', {}],
    ['uncorrected', { correctBias: false }],
    ['long weights count less', { maxNorm: 1 }],
    ['short ones more', { minNorm: 5 }],
    ['no bounds', { maxNorm: null, minNorm: 5 }],
  ])('is the formula: %s', (_, some) => {
    expectClose(path(lamb({ ...options, ...some })), formula(some));
  });

  it('leaves out whom it is told to, by name or by shape', () => {
    expectClose(path(lamb({ ...options, noDecay: ['w'] })), formula({ decays: false }));
    expectClose(path(lamb({ ...options, noTrust: (name, shape) => name === 'w' && shape.length === 2 })), formula({ trusts: false }));
    expectClose(path(lamb({ ...options, noTrust: (_, shape) => shape.length < 2 })), formula({}));
  });

  it('a parameter at zero takes a step of Adam; nothing moves without a gradient', () => {
    const zero = start.map(() => 0);
    const [still] = path(lamb({ ...options, weightDecay: 0 }), [zero]);
    expect(still).toEqual(start);
  });

  it('refuses names of nobody, and bounds that cross', () => {
    expect(() => path(lamb({ noDecay: ['b'] }))).toThrow(TransformError);
    expect(() => path(lamb({ noTrust: ['b'] }))).toThrow("lamb: noTrust names 'b', which is no parameter here, known are w");
    expect(() => lamb({ minNorm: 3, maxNorm: 2 })).toThrow('lamb: minNorm must be at most maxNorm = 2, received 3');
  });
});
