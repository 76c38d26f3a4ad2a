import { describe, it } from 'vitest';
import { ademamix } from './index.ts';
import { byHand, expectClose, gradients, path } from './testing/runs.ts';

interface Plain {
  readonly beta1: number;
  readonly beta3: number;
  readonly alpha: number;
  readonly alphaWarmup: number | null;
  readonly beta3Warmup: number | null;
  readonly weightDecay: number;
}

const [rate, beta2, epsilon] = [0.05, 0.99, 1e-6];

const formula = ({ beta1, beta3, alpha, alphaWarmup, beta3Warmup, weightDecay }: Plain): number[][] => {
  const half = (beta: number): number => Math.log(0.5) / Math.log(beta + 1e-8) - 1;
  return byHand({ m1: 0, m2: 0, v: 0 }, (p, g, s, t) => {
    const a = alphaWarmup === null ? alpha : alpha * Math.min(1, t / alphaWarmup);
    const share = beta3Warmup === null ? 1 : t / beta3Warmup;
    const b3 = share >= 1 ? beta3 : 0.5 ** (1 / ((1 - share) * half(beta1) + share * half(beta3) + 1));
    s.m1 = beta1 * s.m1 + (1 - beta1) * g;
    s.m2 = b3 * s.m2 + (1 - b3) * g;
    s.v = beta2 * s.v + (1 - beta2) * g * g;
    const u = (s.m1 / (1 - beta1 ** t) + a * s.m2) / (Math.sqrt(s.v) / Math.sqrt(1 - beta2 ** t) + epsilon);
    return p - rate * (u + weightDecay * p);
  });
};

describe('ademamix', () => {
  const plain: Plain = { beta1: 0.9, beta3: 0.999, alpha: 5, alphaWarmup: null, beta3Warmup: null, weightDecay: 0 };
  it.each<[string, Partial<Plain>]>([
    ['without warm-ups', {}],
    ['warm-ups that end within the run', { alphaWarmup: 3, beta3Warmup: 4, weightDecay: 0.1 }],
    ['warm-ups that do not', { alphaWarmup: 30, beta3Warmup: 40 }],
    ['without a fast mean', { beta1: 0, beta3Warmup: 4 }],
    ['without a slow one', { alpha: 0 }],
  ])('is the formula: %s', (_, some) => {
    const options = { ...plain, ...some };
    expectClose(path(ademamix({ ...options, learningRate: rate, beta2, epsilon }), gradients), formula(options));
  });
});
