import type { ParameterSource } from '@opt/core';

/** Which of two spirals a point of the plane belongs to, by a network with one hidden layer: x [2] → tanh [32] → one logit. */
const hidden = 32;
const turns = 1.25;

export type Weights = Readonly<Record<'w1' | 'b1' | 'w2' | 'b2', ArrayLike<number>>>;

/** Uniform in [0, 1): the fractional parts of multiples of the golden ratio, begun anew by a seed. */
const draws = (seed: number): (() => number) => {
  let k = 1 + 7919 * seed;
  return () => (k++ * 0.618_033_988_749_894_9) % 1;
};

/** Where all workers start. */
export function initial(): Record<keyof Weights, ParameterSource<never> & { readonly data: Float32Array }> {
  const draw = draws(0);
  const values = (length: number, scale: number): Float32Array => Float32Array.from({ length }, () => scale * (2 * draw() - 1));
  return {
    w1: { shape: [hidden, 2], data: values(2 * hidden, 2) },
    b1: { shape: [hidden], data: values(hidden, 2) },
    w2: { shape: [hidden], data: values(hidden, 0.5) },
    b2: { shape: [1], data: new Float32Array(1) },
  };
}

export interface Batch {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** Points of both spirals in turn, as a worker with this number sees them. */
export function sampler(worker: number): (size: number) => Batch {
  const draw = draws(1 + worker);
  return (size) => {
    const [x, y] = [new Float64Array(2 * size), new Float64Array(size)];
    for (let i = 0; i < size; i++) {
      const r = 0.1 + 0.9 * draw();
      const angle = 2 * Math.PI * turns * r + Math.PI * (i % 2);
      x.set([r * Math.cos(angle), r * Math.sin(angle)], 2 * i);
      y[i] = i % 2;
    }
    return { x, y };
  };
}

/** Mean logistic loss of a batch, and its gradients by hand: dz = (σ(z) − y)/n, backwards through w2 and tanh. */
export function lossAndGradients(
  weights: Weights,
  { x, y }: Batch,
): { readonly loss: number; readonly gradients: Record<keyof Weights, Float32Array> } {
  const { w1, b1, w2, b2 } = weights;
  const gradients = {
    w1: new Float32Array(2 * hidden),
    b1: new Float32Array(hidden),
    w2: new Float32Array(hidden),
    b2: new Float32Array(1),
  };
  const add = (to: Float32Array, at: number, value: number): void => {
    to[at] = (to[at] ?? 0) + value;
  };
  let loss = 0;
  const h = new Float64Array(hidden);
  for (let i = 0; i < y.length; i++) {
    const [x0 = 0, x1 = 0, target = 0] = [x[2 * i], x[2 * i + 1], y[i]];
    let z = b2[0] ?? 0;
    for (let j = 0; j < hidden; j++) {
      const one = Math.tanh((w1[2 * j] ?? 0) * x0 + (w1[2 * j + 1] ?? 0) * x1 + (b1[j] ?? 0));
      h[j] = one;
      z += (w2[j] ?? 0) * one;
    }
    loss += (Math.max(z, 0) - z * target + Math.log1p(Math.exp(-Math.abs(z)))) / y.length;
    const dz = (1 / (1 + Math.exp(-z)) - target) / y.length;
    add(gradients.b2, 0, dz);
    for (let j = 0; j < hidden; j++) {
      const one = h[j] ?? 0;
      const before = dz * (w2[j] ?? 0) * (1 - one * one);
      add(gradients.w2, j, dz * one);
      add(gradients.b1, j, before);
      add(gradients.w1, 2 * j, before * x0);
      add(gradients.w1, 2 * j + 1, before * x1);
    }
  }
  return { loss, gradients };
}
