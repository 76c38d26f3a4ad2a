import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GradientEngine, gradientEngine } from './gradient-engine.ts';
import { initialWeights } from './initial-weights.ts';
import { mnist1d, pick, type Samples } from './mnist1d.ts';
import { classCount, inputWidth, type ParameterValues, parameterShapes, widths } from './model.ts';
import { stream } from './stream.ts';

let engine: GradientEngine;
beforeAll(async () => {
  engine = await gradientEngine();
});
afterAll(() => engine.dispose());

const batch = pick(
  mnist1d().train,
  Uint32Array.from({ length: 16 }, (_, index) => index * 37),
);
const weights = initialWeights(stream(0, 'weights'));

/** Logits of one sample in float64, written out with loops: the oracle. */
const scores = (parameters: ParameterValues, input: Float32Array): number[] =>
  widths.slice(1).reduce<number[]>(
    (h, outputs, layer) => {
      const [weight, bias] = [parameters[`layer${layer}.weight`], parameters[`layer${layer}.bias`]];
      return Array.from({ length: outputs }, (_, row) => {
        const sum = h.reduce(
          (total, value, column) => total + (weight?.[row * h.length + column] ?? Number.NaN) * value,
          bias?.[row] ?? Number.NaN,
        );
        return layer < widths.length - 2 ? Math.max(sum, 0) : sum;
      });
    },
    [...input],
  );

const lossInFloat64 = (parameters: ParameterValues, { count, inputs, targets }: Samples): number => {
  let sum = 0;
  for (let row = 0; row < count; row++) {
    const z = scores(parameters, inputs.subarray(row * inputWidth, (row + 1) * inputWidth));
    const right = targets.subarray(row * classCount, (row + 1) * classCount).indexOf(1);
    sum += Math.log(z.reduce((total, value) => total + Math.exp(value), 0)) - (z[right] ?? Number.NaN);
  }
  return sum / count;
};

test('the loss is the mean cross-entropy of the MLP', () => {
  expect(engine.lossAndGradients(weights, batch).loss).toBeCloseTo(lossInFloat64(weights, batch), 5);
});

test('every gradient has the size of its parameter and agrees with central differences', () => {
  const { gradients } = engine.lossAndGradients(weights, batch);
  for (const { name, size } of parameterShapes) {
    const gradient = gradients[name] ?? new Float32Array();
    expect(gradient.length).toBe(size);
    // The entry of largest slope, where float32 weights and a kink of ReLU disturb the difference least.
    const index = gradient.reduce((best, value, at) => (Math.abs(value) > Math.abs(gradient[best] ?? 0) ? at : best), 0);
    const moved = (by: number) => {
      const copy = new Float32Array(weights[name] ?? []);
      copy[index] = (copy[index] ?? 0) + by;
      return { at: copy[index] ?? 0, loss: lossInFloat64({ ...weights, [name]: copy }, batch) };
    };
    const [above, below] = [moved(1e-3), moved(-1e-3)];
    const difference = (above.loss - below.loss) / (above.at - below.at);
    expect(gradient[index]).not.toBe(0);
    expect(Math.abs((gradient[index] ?? 0) / difference - 1), `${name}[${index}]`).toBeLessThan(5e-3);
  }
});

test('asking twice gives the same answer and leaves the parameters alone', () => {
  const copies = Object.fromEntries(Object.entries(weights).map(([name, data]) => [name, data.slice()]));
  expect(engine.lossAndGradients(weights, batch)).toEqual(engine.lossAndGradients(weights, batch));
  expect(weights).toEqual(copies);
});

test('evaluation gives the loss and the share of samples whose largest logit is right', () => {
  const right = Array.from({ length: batch.count }, (_, row) => {
    const z = scores(weights, batch.inputs.subarray(row * inputWidth, (row + 1) * inputWidth));
    return z.indexOf(Math.max(...z)) === batch.targets.subarray(row * classCount, (row + 1) * classCount).indexOf(1);
  });
  const { loss, accuracy } = engine.evaluate(weights, batch);
  expect(loss).toBeCloseTo(lossInFloat64(weights, batch), 5);
  expect(accuracy).toBeCloseTo(right.filter(Boolean).length / batch.count, 6);
});

test('a missing or wrongly sized parameter is named', () => {
  expect(() => engine.lossAndGradients({ ...weights, 'layer0.bias': new Float32Array(3) }, batch)).toThrow(
    'parameter layer0.bias: expected 64 values, got 3',
  );
});
