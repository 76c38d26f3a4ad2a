import { oneHot, type Tensor, type Tensor2D, tensor1d, tensor2d } from '@tensorflow/tfjs-core';

/** Two spirals of `turns` around one another: points [2n, 2], classes [2n, 2]. */
export function spirals(n: number, turns = 1.25): { readonly points: Tensor2D; readonly classes: Tensor } {
  const points: [number, number][] = [];
  const classes: number[] = [];
  for (const arm of [0, 1]) {
    for (let i = 0; i < n; i++) {
      const radius = (i + 1) / n;
      const angle = 2 * Math.PI * turns * radius + arm * Math.PI;
      points.push([radius * Math.cos(angle), radius * Math.sin(angle)]);
      classes.push(arm);
    }
  }
  const indices = tensor1d(classes, 'int32');
  const result = { points: tensor2d(points), classes: oneHot(indices, 2) };
  indices.dispose();
  return result;
}
