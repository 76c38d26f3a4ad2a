import { shared, tfjsAsync } from '@opt/backend-tfjs';
import { createOptimizer } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { dispose, losses, type Scalar, type Tensor, tidy, Variable, variableGrads } from '@tensorflow/tfjs-core';
import { initializers, layers, sequential } from '@tensorflow/tfjs-layers';
import { spirals } from './spirals.ts';

export interface TrainingOptions {
  readonly steps: number;
  readonly learningRate: () => number;
  readonly onStep: (step: number, loss: number) => void;
}

/** Trains a network of two hidden layers on the spirals, on whatever backend tfjs has; nothing blocks. */
export async function train({ steps, learningRate, onStep }: TrainingOptions): Promise<void> {
  const kernelInitializer = (seed: number) => initializers.glorotUniform({ seed });
  const model = sequential({
    layers: [
      layers.dense({ units: 24, inputShape: [2], activation: 'tanh', kernelInitializer: kernelInitializer(1) }),
      layers.dense({ units: 24, activation: 'tanh', kernelInitializer: kernelInitializer(2) }),
      layers.dense({ units: 2, kernelInitializer: kernelInitializer(3) }),
    ],
  });
  const { points, classes } = spirals(100);
  const variables = model.trainableWeights
    .map((weight) => weight.read())
    .filter((weight): weight is Variable => weight instanceof Variable);
  const optimizer = await createOptimizer({
    transform: normalizeEma({ base: soap({ learningRate: learningRate() }) }),
    parameters: Object.fromEntries(variables.map((variable) => [variable.name, shared(variable)])),
    backend: tfjsAsync(),
  });
  const cost = (): Scalar => losses.softmaxCrossEntropy(classes, tensorOf(model.apply(points)));
  for (let step = 1; step <= steps; step++) {
    const { value, grads } = tidy(() => variableGrads(cost, variables));
    optimizer.set('learningRate', learningRate());
    await optimizer.step(grads);
    const [loss = Number.NaN] = await value.data();
    dispose([value, grads]);
    onStep(step, loss);
  }
  optimizer.dispose();
  model.dispose();
  dispose([points, classes]);
}

function tensorOf(result: ReturnType<ReturnType<typeof sequential>['apply']>): Tensor {
  if (Array.isArray(result) || !('dataId' in result)) throw new TypeError('the model must have one output');
  return result;
}
