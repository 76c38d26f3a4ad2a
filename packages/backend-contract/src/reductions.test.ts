import { reference } from '@opt/backend-reference';
import { accumulate, chain, concatenated, inBasis, named, perTensor, rule, skipNonFinite, type Transform, weightEma } from '@opt/core';
import { lmAdagrad } from '@opt/lm-adagrad';
import { normalizeByEma, normalizeEma } from '@opt/normalize-ema';
import { kroneckerEigenbasis, soap } from '@opt/soap';
import * as stages from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { gradientsAt, type Model, oddModel, optimizerOn, smallModel, train, withOptimizer } from './contract/models.ts';

const { adam, adamw, decay, descend, lion, momentum, ema, rmsprop, sgd, sign } = stages;
const learningRate = 0.1;
const step = (direction: Transform) => rule(direction, descend({ learningRate }));
const nothing = perTensor({ name: 'nothing', apply: () => ({}) });
const before = named('before', ema({ beta: 0.5 }));

/** Parameters after every step. */
async function path(transform: Transform, model: Model, steps = 8): Promise<Float64Array[][]> {
  return withOptimizer(optimizerOn(reference(), transform, model), async (optimizer) => {
    const all: Float64Array[][] = [];
    for (let i = 0; i < steps; i++) {
      await train(optimizer, model, i, i + 1);
      all.push(await Promise.all(Object.keys(model).map(async (name) => Float64Array.from((await optimizer.parameters[name]) ?? []))));
    }
    return all;
  });
}

function expectEqual(a: Float64Array[][], b: Float64Array[][], tolerance: number): void {
  expect(a.length).toBe(b.length);
  a.forEach((parameters, t) => {
    parameters.forEach((values, p) => {
      values.forEach((x, i) => {
        const y = b[t]?.[p]?.[i] ?? Number.NaN;
        if (!(Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(y)))) expect.fail(`step ${t + 1}, parameter ${p}[${i}]: ${x} and ${y}`);
      });
    });
  });
}

/** What becomes something simpler, where a parameter says so: [it, the simpler, tolerance]. */
const same: Readonly<Record<string, readonly [Transform, Transform, number]>> = {
  'adam with β₁ = β₂ = 0 is sign': [step(adam({ beta1: 0, beta2: 0, epsilon: 1e-14 })), step(sign()), 1e-11],
  'adam with β₁ = 0 is bias-corrected rmsprop without correction': [
    step(adam({ beta1: 0, beta2: 0.9, correctBias: 'none' })),
    step(rmsprop({ beta: 0.9 })),
    1e-12,
  ],
  'AMSGrad that forgets at once is adam': [step(adam({ amsgradBeta: 0 })), step(adam()), 1e-13],
  'correcting the rate is correcting the moments, without ε': [
    step(adam({ correctBias: 'rate', epsilon: 1e-30 })),
    step(adam({ epsilon: 1e-30 })),
    1e-11,
  ],
  'adamw without decay is adam': [adamw({ learningRate, weightDecay: 0 }), step(adam()), 0],
  'lion with β₁ = β₂ = 0 is sign': [step(lion({ beta1: 0, beta2: 0 })), step(sign()), 0],
  'momentum 0 is the gradient': [step(momentum({ momentum: 0 })), step(nothing), 0],
  'an average with β = 0 is the gradient': [step(ema({ beta: 0 })), step(nothing), 1e-15],
  'a corrected average of one gradient is that gradient, so is sgd without momentum': [sgd({ learningRate }), step(nothing), 0],
  'sgd with momentum is momentum': [sgd({ learningRate, momentum: 0.9, nesterov: true }), step(momentum({ nesterov: true })), 0],
  'rmsprop with β = 0 is sign': [step(rmsprop({ beta: 0, epsilon: 1e-14 })), step(sign()), 1e-11],
  'centred rmsprop whose mean never moves is rmsprop': [
    step(chain(perTensor({ name: 'zero', apply: ({ update }) => ({ update: update.mul(0) }) }), rmsprop({ centered: true }))),
    step(chain(perTensor({ name: 'zero', apply: ({ update }) => ({ update: update.mul(0) }) }), rmsprop())),
    0,
  ],
  'a norm that is never reached does not clip': [step(stages.clipNorm({ maxNorm: 1e6 })), step(nothing), 1e-15],
  'nor one of all parameters': [step(stages.clipGlobalNorm({ maxNorm: 1e6 })), step(nothing), 1e-15],
  'nor a value': [step(stages.clipValue({ maxValue: 1e6 })), step(nothing), 0],
  'clipping at almost nothing is normalising': [
    step(stages.clipNorm({ maxNorm: 1e-9 })),
    rule(stages.normalize(), descend({ learningRate: learningRate * 1e-9 })),
    1e-15,
  ],
  'the gradient itself is not held back by caution': [step(stages.cautious({ rescale: true })), step(nothing), 1e-15],
  'a gradient has its own sign': [step(stages.copyGradientSign()), step(nothing), 0],
  'finite gradients are kept': [step(stages.nanToZero()), step(nothing), 0],
  'a loss scale of 1': [step(stages.unscale()), step(nothing), 0],
  'no L2 term': [step(stages.l2()), step(nothing), 1e-15],
  'no decay': [rule(before, decay({ weightDecay: 0 }), descend({ learningRate })), step(before), 0],
  'L2 without momentum is decoupled decay': [
    step(stages.l2({ weightDecay: 0.3 })),
    rule(
      nothing,
      descend({ learningRate }),
      perTensor({
        name: 'by-hand',
        apply: ({ update, parameter: p }) => ({
          parameter: p
            .add(update.mul(learningRate))
            .mul(1 - 0.3 * learningRate)
            .sub(update.mul(learningRate)),
        }),
      }),
    ),
    1e-13,
  ],
  'a rescaled direction without memory or limit is itself': [
    step(chain(before, normalizeByEma({ emaBeta: 0, maxEmaGrowth: null }))),
    step(before),
    1e-13,
  ],
  'a norm that is only clipped to itself is itself': [
    normalizeEma({ base: adamw({ learningRate }), emaBeta: 0, maxEmaGrowth: null, clipOnly: true }),
    adamw({ learningRate }),
    1e-13,
  ],
  'SOAP before its first refresh, from the identity, is Adam after one call': [
    soap({ learningRate, initialBasis: 'identity', preconditionFrequency: 1000 }),
    soap({ learningRate, maxPreconditionDim: 1 }),
    1e-13,
  ],
  'a guard lets finite gradients through': [skipNonFinite(adamw({ learningRate })), adamw({ learningRate }), 0],
  'an average with μ = 0 is the parameter': [
    weightEma({ emaMomentum: 0, emaOverwriteFrequency: 1 }, adamw({ learningRate })),
    adamw({ learningRate }),
    1e-15,
  ],
  'joined, an elementwise rule is what it is apart': [step(concatenated(adam())), step(adam()), 0],
  'joined, a norm is that of the model': [
    step(concatenated(stages.clipNorm({ maxNorm: 0.3 }))),
    step(stages.clipGlobalNorm({ maxNorm: 0.3 })),
    1e-13,
  ],
  'LM-Adagrad with a history of one is the normalised gradient': [
    lmAdagrad({ learningRate, historySize: 1, epsilon: 1e-20, concatenate: false }),
    step(stages.normalize()),
    1e-12,
  ],
};

describe('what becomes something simpler', () => {
  it.each(Object.entries(same))('%s', async (_, [one, other, tolerance]) => {
    expectEqual(await path(one, oddModel), await path(other, oddModel), tolerance);
  });

  it('SOAP with no active axis is Adam, shifted by one call', async () => {
    const adamOf = rule(adam({ beta1: 0.95, beta2: 0.95, correctBias: 'rate' }), descend({ learningRate }), decay({ learningRate }));
    const shifted = await withOptimizer(optimizerOn(reference(), adamOf, oddModel), async (optimizer) => {
      const all: Float64Array[][] = [];
      for (let i = 1; i < 8; i++) {
        await train(optimizer, oddModel, i, i + 1);
        all.push(await Promise.all(Object.keys(oddModel).map(async (name) => Float64Array.from((await optimizer.parameters[name]) ?? []))));
      }
      return all;
    });
    const [first, ...rest] = await path(soap({ learningRate, maxPreconditionDim: 1 }), oddModel);
    expectEqual([first ?? []], [Object.values(oddModel).map(({ data }) => Float64Array.from(data))], 0);
    expectEqual(rest, shifted, 0);
  });

  it('SOAP by hand is the Adam of the package in its basis', async () => {
    const byHand = rule(
      inBasis(kroneckerEigenbasis({ shampooBeta: 0.95 }), adam({ beta1: 0.95, beta2: 0.95, correctBias: 'rate' })),
      descend({ learningRate }),
      decay({ learningRate }),
    );
    expectEqual(await path(soap({ learningRate }), oddModel, 14), await path(byHand, oddModel, 14), 0);
  });

  it('the mean of equal gradients is the gradient', async () => {
    const run = (transform: Transform, repeats: number) =>
      withOptimizer(optimizerOn(reference(), transform, smallModel), async (optimizer) => {
        for (let i = 0; i < 4; i++) for (let k = 0; k < repeats; k++) await optimizer.step(gradientsAt(smallModel, i));
        return Promise.all(Object.keys(smallModel).map(async (name) => Float64Array.from((await optimizer.parameters[name]) ?? [])));
      });
    expectEqual([await run(accumulate(4, adamw({ learningRate })), 4)], [await run(adamw({ learningRate }), 1)], 1e-14);
  });
});
