import { shared, tfjsAsync } from '@opt/backend-tfjs';
import { createOptimizer } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import {
  dispose,
  losses,
  oneHot,
  type Scalar,
  softmax,
  type Tensor,
  tensor1d,
  tensor2d,
  tidy,
  unstack,
  Variable,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { initializers, layers, sequential } from '@tensorflow/tfjs-layers';
import type { Point, spirals } from './spirals.ts';

export interface TrainingOptions {
  readonly steps: number;
  readonly data: ReturnType<typeof spirals>;
  /** Where `onGuess` is told the network's guess. */
  readonly places: readonly Point[];
  readonly learningRate: () => number;
  /** Asked after every step: whether there is to be another. */
  readonly goesOn: () => boolean;
  readonly onStep: (step: number, loss: number) => void;
  /** Every tenth step: the probability of the second spiral in every place. */
  readonly onGuess: (shares: ArrayLike<number>) => void;
}

/** Trains a network of two hidden layers on the spirals, on whatever backend tfjs has; nothing blocks. */
export async function train({ steps, data, places, learningRate, goesOn, onStep, onGuess }: TrainingOptions): Promise<void> {
  const kernelInitializer = (seed: number) => initializers.glorotUniform({ seed });
  const model = sequential({
    layers: [
      layers.dense({ units: 24, inputShape: [2], activation: 'tanh', kernelInitializer: kernelInitializer(1) }),
      layers.dense({ units: 24, activation: 'tanh', kernelInitializer: kernelInitializer(2) }),
      layers.dense({ units: 2, kernelInitializer: kernelInitializer(3) }),
    ],
  });
  const points = tensor2d(data.points.flat(), [data.points.length, 2]);
  const labels = tidy(() => oneHot(tensor1d([...data.classes], 'int32'), 2));
  const square = tensor2d(places.flat(), [places.length, 2]);
  const variables = model.trainableWeights
    .map((weight) => weight.read())
    .filter((weight): weight is Variable => weight instanceof Variable);

  const optimizer = await createOptimizer({
    transform: normalizeEma({ base: soap({ learningRate: learningRate() }) }),
    parameters: Object.fromEntries(variables.map((variable) => [variable.name, shared(variable)])),
    backend: tfjsAsync(),
  });
  const cost = (): Scalar => losses.softmaxCrossEntropy(labels, tensorOf(model.apply(points)));
  for (let step = 1; step <= steps; step++) {
    const { value, grads } = tidy(() => variableGrads(cost, variables));
    optimizer.set('learningRate', learningRate());
    await optimizer.step(grads);
    const [loss = Number.NaN] = await value.data();
    dispose([value, grads]);
    onStep(step, loss);
    const last = step === steps || !goesOn();
    if (step % 10 === 0 || last) {
      const guess = tidy(() => unstack(softmax(tensorOf(model.apply(square))), 1));
      const [, second] = guess;
      if (second !== undefined) onGuess(await second.data());
      dispose(guess);
    }
    if (last) break;
  }
  optimizer.dispose();
  model.dispose();
  dispose([points, labels, square]);
}

function tensorOf(result: ReturnType<ReturnType<typeof sequential>['apply']>): Tensor {
  if (Array.isArray(result) || !('dataId' in result)) throw new TypeError('the model must have one output');
  return result;
}
