import { initializers, layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';

/** Two convolutions with stride 2 and a dense layer: 28×28 → 12×12×6 → 5×5×12 → 10. */
export function network(seed: number): Sequential {
  const kernelInitializer = (i: number) => initializers.glorotUniform({ seed: seed + i });
  const model = sequential();
  model.add(
    layers.conv2d({
      inputShape: [28, 28, 1],
      filters: 6,
      kernelSize: 5,
      strides: 2,
      activation: 'relu',
      kernelInitializer: kernelInitializer(1),
    }),
  );
  model.add(layers.conv2d({ filters: 12, kernelSize: 3, strides: 2, activation: 'relu', kernelInitializer: kernelInitializer(2) }));
  model.add(layers.flatten());
  model.add(layers.dense({ units: 10, activation: 'softmax', kernelInitializer: kernelInitializer(3) }));
  return model;
}
