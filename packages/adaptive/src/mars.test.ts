import { reference } from '@opt/backend-reference';
import { createOptimizer, linear, ObjectiveError } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { mars } from './index.ts';
import { byHand, expectClose, gradients, length, path, start } from './testing/runs.ts';

const [rate, beta1, beta2, epsilon, lambda, gamma] = [0.05, 0.8, 0.9, 1e-4, 0.2, 0.1];
const options = { learningRate: rate, beta1, beta2, epsilon, weightDecay: lambda, gamma };

function formula(amsgrad: boolean, before: (t: number) => readonly number[] | undefined = (t) => gradients[t - 2]): number[][] {
  let p = [...start];
  const [m, v, x] = [start.map(() => 0), start.map(() => 0), start.map(() => 0)];
  return gradients.map((gradient, index) => {
    const t = index + 1;
    const c = gradient.map((g, i) => g + ((gamma * beta1) / (1 - beta1)) * (g - (before(t)?.[i] ?? 0)));
    const n = Math.max(1, length(c));
    p = p.map((w, i) => {
      const clipped = (c[i] ?? 0) / n;
      m[i] = beta1 * (m[i] ?? 0) + (1 - beta1) * clipped;
      v[i] = beta2 * (v[i] ?? 0) + (1 - beta2) * clipped ** 2;
      x[i] = Math.max(x[i] ?? 0, v[i] ?? 0);
      const size = Math.sqrt((amsgrad ? x : v)[i] ?? 0) / Math.sqrt(1 - beta2 ** t);
      return w - rate * (lambda * w + (m[i] ?? 0) / (1 - beta1 ** t) / (size + epsilon));
    });
    return p;
  });
}

describe('mars', () => {
  it.each([false, true])('is the formula for matrices, amsgrad %s', (amsgrad) => {
    expectClose(path(mars({ ...options, amsgrad })), formula(amsgrad));
  });

  it('leaves other ranks to AdamW, whose rate follows in proportion', () => {
    const schedule = linear({ from: 0.1, to: 0, steps: 8 });
    const others = { learningRate: 0.02, beta1: 0.7, beta2: 0.6, weightDecay: 0.3 };
    const adamw = byHand({ m: 0, v: 0 }, (p, g, s, t) => {
      s.m = 0.7 * s.m + 0.3 * g;
      s.v = 0.6 * s.v + 0.4 * g * g;
      const eta = (schedule(t - 1) * 0.02) / 0.1;
      return p * (1 - eta * 0.3) - (eta * (s.m / (1 - 0.7 ** t))) / (Math.sqrt(s.v / (1 - 0.6 ** t)) + epsilon);
    });
    expectClose(path(mars({ ...options, learningRate: schedule, others }), gradients, [6]), adamw);
    expectClose(path(mars({ ...options, learningRate: schedule, others }), gradients, [1, 2, 3]), adamw);
    expectClose(path(mars({ ...options, optimize1d: true, others }), gradients, [6]), formula(false));
  });

  it('a schedule that begins at 0 leaves the rate of the others alone', () => {
    const warm = (step: number): number => 0.01 * step;
    const [once = []] = path(
      mars({ learningRate: warm, others: { learningRate: 0.5, beta1: 0, beta2: 0, weightDecay: 0 } }),
      gradients,
      [6],
    );
    expect(once[0]).toBe(start[0]);
    expect(once[1]).toBeCloseTo((start[1] ?? 0) - 0.5 * Math.sign(gradients[0]?.[1] ?? 0), 6);
  });
});

describe('mars, exact', () => {
  /** ½Σ aᵢxᵢ² over both parameters, a growing with the batch: gradients at other places are known. */
  const curvature = (batch: number, i: number): number => 1 + 0.3 * i + 0.5 * batch;
  const at = (x: ArrayLike<number>, batch: number): number[] => Array.from(x, (value, i) => curvature(batch, i) * value);
  const make = () =>
    createOptimizer({
      transform: mars({ ...options, form: 'exact', others: { beta1: 0, beta2: 0, weightDecay: 0, learningRate: 0.05 } }),
      parameters: { w: { shape: [2, 3], data: start }, b: { shape: [2], data: [3, -3] } },
      backend: reference(),
    });

  it('takes the gradient of this batch where the parameters were before the last step', () => {
    const optimizer = make();
    const places: number[][] = [];
    const seen: number[][] = [];
    const before: number[][] = [];
    const parts: number[][] = [];
    for (let batch = 0; batch < 4; batch++) {
      const [w, b] = [[...optimizer.parameters.w], [...optimizer.parameters.b]];
      seen.push(at(w, batch));
      before.push(places.length === 0 ? start.map(() => 0) : at(places.at(-1) ?? [], batch));
      optimizer.step({
        gradients: (there) => {
          if (there !== undefined) {
            expectClose([[...there.w], [...there.b]], [places.at(-1) ?? [], parts.at(-1) ?? []]);
          }
          return { w: at(there?.w ?? w, batch), b: at(there?.b ?? b, batch) };
        },
      });
      places.push(w);
      parts.push(b);
    }
    let p = [...start];
    const [m, v] = [start.map(() => 0), start.map(() => 0)];
    seen.forEach((g, index) => {
      const c = g.map((x, i) => x + ((gamma * beta1) / (1 - beta1)) * (x - (before[index]?.[i] ?? 0)));
      const n = Math.max(1, length(c));
      p = p.map((x, i) => {
        m[i] = beta1 * (m[i] ?? 0) + ((1 - beta1) * (c[i] ?? 0)) / n;
        v[i] = beta2 * (v[i] ?? 0) + (1 - beta2) * ((c[i] ?? 0) / n) ** 2;
        const t = index + 1;
        return x - rate * (lambda * x + (m[i] ?? 0) / (1 - beta1 ** t) / (Math.sqrt((v[i] ?? 0) / (1 - beta2 ** t)) + epsilon));
      });
    });
    expectClose([[...optimizer.parameters.w]], [p], 1e-11);
  });

  it('cannot do with gradients alone, from the second step on', () => {
    const optimizer = make();
    optimizer.step({ w: start, b: [1, 1] });
    const held = [...optimizer.parameters.w];
    const step = (): void => optimizer.step({ w: start, b: [1, 1] });
    expect(step).toThrow(ObjectiveError);
    expect(step).toThrow(
      'step: mars needs gradient in this step: call step(objective) with gradients(at), which heeds the parameters `at` it is given',
    );
    expect([...optimizer.parameters.w]).toEqual(held);
  });
});
