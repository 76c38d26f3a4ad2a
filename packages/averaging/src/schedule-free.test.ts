import { linear } from '@opt/core';
import { adam, ema } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { scheduleFree, scheduleFreeAdamW, scheduleFreeSgd } from './index.ts';
import { expectClose, gradients, make, paths, start } from './testing/runs.ts';

interface Plain {
  readonly rate: (t: number) => number;
  readonly beta: number;
  readonly weightDecay?: number;
  readonly warmupSteps?: number;
  readonly r?: number;
  readonly weightLrPower?: number;
}

/** Three sequences, as the paper has them; `direction` is asked with the step, from 1. */
function byHand(o: Plain, direction: (i: number, g: number, t: number) => number): { trained: number[][]; judged: number[][] } {
  const { rate, beta, weightDecay = 0, warmupSteps = 0, r = 0, weightLrPower = 2 } = o;
  const [x, y, z] = [[...start], [...start], [...start]];
  let [largest, W] = [0, 0];
  const result: { trained: number[][]; judged: number[][] } = { trained: [], judged: [] };
  gradients.forEach((gradient, index) => {
    const t = index + 1;
    const gamma = rate(index) * (warmupSteps === 0 ? 1 : Math.min(1, t / warmupSteps));
    largest = Math.max(largest, gamma);
    const w = t ** r * largest ** weightLrPower;
    W += w;
    const c = W === 0 ? 0 : w / W;
    gradient.forEach((g, i) => {
      const d = direction(i, g, t) + weightDecay * (y[i] ?? 0);
      z[i] = (z[i] ?? 0) - gamma * d;
      x[i] = (1 - c) * (x[i] ?? 0) + c * (z[i] ?? 0);
      y[i] = (1 - beta) * (z[i] ?? 0) + beta * (x[i] ?? 0);
    });
    result.trained.push([...y]);
    result.judged.push([...x]);
  });
  return result;
}

const check = (actual: ReturnType<typeof paths>, expected: ReturnType<typeof byHand>): void => {
  expectClose(actual.trained, expected.trained);
  expectClose(actual.judged, expected.judged);
};

describe('schedule-free', () => {
  it.each([
    { beta: 0.9 },
    { beta: 0.5, weightDecay: 0.3, warmupSteps: 3 },
    { beta: 0.95, r: 1, weightLrPower: 0 },
    { beta: 0.9, r: 0.5, weightLrPower: 3, warmupSteps: 20 },
  ])('SGD is the three sequences: %j', (options) => {
    check(
      paths(scheduleFreeSgd({ ...options, learningRate: 0.2 })),
      byHand({ rate: () => 0.2, ...options }, (_, g) => g),
    );
  });

  it('a schedule multiplies the rate, the largest so far weighs; 0 at first averages nothing', () => {
    const learningRate = linear({ from: 0, to: 0.4, steps: 6 });
    check(
      paths(scheduleFreeSgd({ learningRate })),
      byHand({ rate: learningRate, beta: 0.9 }, (_, g) => g),
    );
  });

  it.each([0, 0.8])('AdamW is the three sequences, inner momentum %d', (innerMomentum) => {
    const [beta2, epsilon] = [0.9, 1e-4];
    const [m, v] = [start.map(() => 0), start.map(() => 0)];
    const options = { weightDecay: 0.1, warmupSteps: 2 };
    check(
      paths(scheduleFreeAdamW({ ...options, learningRate: 0.1, beta1: 0.8, beta2, epsilon, innerMomentum })),
      byHand({ rate: () => 0.1, beta: 0.8, ...options }, (i, g, t) => {
        m[i] = innerMomentum * (m[i] ?? 0) + (1 - innerMomentum) * g;
        v[i] = beta2 * (v[i] ?? 0) + (1 - beta2) * g * g;
        return (m[i] ?? 0) / (1 - innerMomentum ** t) / (Math.sqrt((v[i] ?? 0) / (1 - beta2 ** t)) + epsilon);
      }),
    );
  });

  it('takes any direction, its gain included', () => {
    const m = start.map(() => 0);
    check(
      paths(scheduleFree({ direction: ema({ beta: 0.5 }), learningRate: 0.2 })),
      byHand({ rate: () => 0.2, beta: 0.9 }, (i, g) => {
        m[i] = 0.5 * (m[i] ?? 0) + 0.5 * g;
        return m[i] ?? 0;
      }),
    );
    const [a, b] = [adam({ beta1: 0.5, epsilon: 1e-12 }), adam({ beta1: 0.5, epsilon: 1e-12, correctBias: 'rate' })];
    expectClose(
      paths(scheduleFree({ direction: b, learningRate: 0.2 })).trained,
      paths(scheduleFree({ direction: a, learningRate: 0.2 })).trained,
      1e-9,
    );
  });

  it('finalize leaves the average, twice the same, and training goes on from there', () => {
    const optimizer = make(scheduleFreeSgd({ learningRate: 0.2 }));
    for (const w of gradients) optimizer.step({ w });
    const x = [...optimizer.evaluation.w];
    expect(x).not.toEqual([...optimizer.parameters.w]);
    optimizer.finalize();
    expectClose([[...optimizer.parameters.w], [...optimizer.evaluation.w]], [x, x]);
    optimizer.finalize();
    expectClose([[...optimizer.parameters.w]], [x]);
    optimizer.step({ w: [0, 0, 0, 0] });
    expectClose([[...optimizer.parameters.w]], [x]);
  });

  it('wants a direction', () => {
    expect(() => Reflect.apply(scheduleFree, undefined, [{}])).toThrow(
      'schedule-free: direction must be a direction such as adam({ beta1: 0 }), received undefined',
    );
  });
});
