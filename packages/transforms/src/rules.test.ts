import { linear, perTensor, rule } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { adam, adamw, decay, descend, momentum, sgd } from './index.ts';
import { expectClose, gradients, path } from './testing/runs.ts';

const start = [0.5, -1, 2, 0];

/** Each entry on its own: p and what else is remembered, after every step. */
function byHand<S>(memory: () => S, step: (p: number, g: number, state: S, t: number) => number): number[][] {
  const p = [...start];
  const states = start.map(memory);
  return gradients.map((gradient, index) => {
    gradient.forEach((g, i) => {
      p[i] = step(p[i] ?? 0, g, states[i] ?? memory(), index + 1);
    });
    return [...p];
  });
}

describe('adamw', () => {
  it('decays before it moves', () => {
    const [rate, b1, b2, epsilon, weightDecay] = [0.05, 0.9, 0.99, 1e-6, 0.2];
    expectClose(
      path(adamw({ learningRate: rate, beta1: b1, beta2: b2, epsilon, weightDecay })),
      byHand(
        () => ({ m: 0, v: 0 }),
        (p, g, s, t) => {
          s.m = b1 * s.m + (1 - b1) * g;
          s.v = b2 * s.v + (1 - b2) * g * g;
          return p * (1 - rate * weightDecay) - (rate * (s.m / (1 - b1 ** t))) / (Math.sqrt(s.v / (1 - b2 ** t)) + epsilon);
        },
      ),
    );
  });

  it('with a schedule: the first step sees 0', () => {
    const schedule = linear({ from: 0.1, to: 0, steps: 5 });
    expectClose(
      path(adamw({ learningRate: schedule, beta1: 0, beta2: 0, epsilon: 1e-30, weightDecay: 0 })),
      byHand(
        () => 0,
        (p, g, _, t) => p - schedule(t - 1) * Math.sign(g),
      ),
    );
  });
});

describe('sgd', () => {
  it('is that of torch: L2 in the gradient, momentum, damping, Nesterov', () => {
    for (const { mu, damping, nesterov } of [
      { mu: 0, damping: 0, nesterov: false },
      { mu: 0.9, damping: 0, nesterov: false },
      { mu: 0.9, damping: 0.5, nesterov: false },
      { mu: 0.9, damping: 0, nesterov: true },
    ]) {
      expectClose(
        path(sgd({ learningRate: 0.1, momentum: mu, dampening: damping, nesterov, weightDecay: 0.05 })),
        byHand(
          () => ({ b: 0 }),
          (p, gradient, s, t) => {
            const g = gradient + 0.05 * p;
            if (mu === 0) return p - 0.1 * g;
            s.b = t === 1 ? g : mu * s.b + (1 - damping) * g;
            return p - 0.1 * (nesterov ? g + mu * s.b : s.b);
          },
        ),
      );
    }
  });

  it('without momentum keeps no state', () => {
    const [, momentumFree, withMomentum] = [0, sgd(), sgd({ momentum: 0.9 })];
    const slots = (transform: typeof momentumFree): string[] => {
      const keys: string[] = [];
      const at: Parameters<typeof transform.declare>[1] = {
        path: '',
        deviceDecides: false,
        about: () => ({}),
        child: () => at,
        slot: (name) => void keys.push(name),
        hyper: () => undefined,
        needs: () => undefined,
        guards: () => undefined,
        scope: (_, f) => f(),
      };
      transform.declare({ w: [3] }, at);
      return keys;
    };
    expect(slots(momentumFree)).toEqual([]);
    expect(slots(withMomentum)).toEqual(['b']);
  });
});

describe('moves', () => {
  const fixed = perTensor({ name: 'fixed', apply: ({ update }) => ({ update: update.mul(0).add(1), gain: update.sum().mul(0).add(3) }) });

  it('descend multiplies its rate by the gain that comes along', () => {
    expectClose(
      path(rule(fixed, descend({ learningRate: 0.1 }))),
      byHand(
        () => 0,
        (p) => p - 0.3,
      ),
    );
  });

  it('decay does not: decoupled by η, or independent of it', () => {
    expectClose(
      path(rule(fixed, descend({ learningRate: 0.1 }), decay({ learningRate: 0.1, weightDecay: 0.5 }))),
      byHand(
        () => 0,
        (p) => (p - 0.3) * 0.95,
      ),
    );
    expectClose(
      path(rule(fixed, decay({ learningRate: 0.1, weightDecay: 0.5, mode: 'independent' }), descend({ learningRate: 0.1 }))),
      byHand(
        () => 0,
        (p) => p * 0.5 - 0.3,
      ),
    );
  });

  it('rateOf multiplies the rate of decay by a number for the shape', () => {
    expectClose(
      path(rule(fixed, decay({ learningRate: 0.1, weightDecay: 0.5, rateOf: ([n = 0]) => n }), descend({ learningRate: 0.1 }))),
      byHand(
        () => 0,
        (p) => p * (1 - 0.05 * 4) - 0.3,
      ),
    );
  });

  it('cautious decay shrinks only what the step shrinks too', () => {
    expectClose(
      path(
        rule(momentum({ momentum: 0 }), decay({ learningRate: 0.1, weightDecay: 0.5, mode: 'cautious' }), descend({ learningRate: 0.1 })),
      ),
      byHand(
        () => 0,
        (p, g) => p * (g * p >= 0 ? 0.95 : 1) - 0.1 * g,
      ),
    );
  });

  it("adam's correction of the rate reaches descend as a gain", () => {
    const [b1, b2] = [0.9, 0.99];
    expectClose(
      path(rule(adam({ beta1: b1, beta2: b2, epsilon: 1e-3, correctBias: 'rate' }), descend({ learningRate: 0.1 }))),
      byHand(
        () => ({ m: 0, v: 0 }),
        (p, g, s, t) => {
          s.m = b1 * s.m + (1 - b1) * g;
          s.v = b2 * s.v + (1 - b2) * g * g;
          return p - (((0.1 * Math.sqrt(1 - b2 ** t)) / (1 - b1 ** t)) * s.m) / (Math.sqrt(s.v) + 1e-3);
        },
      ),
    );
  });
});

describe('the whole train of general stages, by hand', () => {
  it('unscaled, clipped by value, averaged weights that overwrite', () => {
    const p = [...start];
    const average = [...start];
    const expected = gradients.map((gradient, index) => {
      gradient.forEach((g, i) => {
        p[i] = (p[i] ?? 0) - 0.1 * Math.min(Math.max(g / 4, -0.2), 0.2);
        average[i] = index === 0 ? (p[i] ?? 0) : 0.6 * (average[i] ?? 0) + 0.4 * (p[i] ?? 0);
        if ((index + 1) % 2 === 0) p[i] = average[i] ?? 0;
      });
      return [...p];
    });
    const transform = sgd({
      learningRate: 0.1,
      lossScaleFactor: 4,
      clipvalue: 0.2,
      useEma: true,
      emaMomentum: 0.6,
      emaOverwriteFrequency: 2,
    });
    expectClose(path(transform), expected);
  });
});
