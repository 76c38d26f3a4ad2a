import { type Backend, type Floats, iota, mapValues, type Program, size, type Tensor, trace, where } from '@opt/core';

/** The network of the table, 784-256-256-10, ReLU, a bias in the last layer only: logits = fc3(relu(fc2(relu(fc1(x))))). */
export const layers = {
  'fc1.weight': { shape: [256, 784], size: 256 * 784, inputs: 784 },
  'fc2.weight': { shape: [256, 256], size: 256 * 256, inputs: 256 },
  'fc3.weight': { shape: [10, 256], size: 10 * 256, inputs: 256 },
  'fc3.bias': { shape: [10], size: 10, inputs: 256 },
} as const;

export type LayerName = keyof typeof layers;
export type Weights = Readonly<Record<LayerName, Floats>>;

type Inputs = Record<LayerName | 'pixels' | 'targets', Tensor>;

/** Which inputs of each ReLU are open: 1 those that are, −1 those that are not, 0 those above 0. */
export type Sides = Record<'side1' | 'side2', Tensor>;

const forward = (x: Inputs, sides?: Sides) => {
  const isOpen = (before: Tensor, side?: Tensor): Tensor => (side === undefined ? before : where(side.eq(0), before, side)).gt(0);
  const before1 = x.pixels.matmul(x['fc1.weight'], { transposeB: true });
  const open1 = isOpen(before1, sides?.side1);
  const hidden1 = where(open1, before1, 0);
  const before2 = hidden1.matmul(x['fc2.weight'], { transposeB: true });
  const open2 = isOpen(before2, sides?.side2);
  const hidden2 = where(open2, before2, 0);
  const logits = hidden2.matmul(x['fc3.weight'], { transposeB: true }).add(x['fc3.bias']);
  const shifted = logits.sub(logits.maximum([1], { keep: true }));
  const logSum = shifted.exp().sum([1], { keep: true }).log();
  return { before1, before2, open1, open2, hidden1, hidden2, logits, logProbabilities: shifted.sub(logSum) };
};

/** Mean cross-entropy and its gradients, by hand: dZ = (softmax − target)/n, then backwards through each product and ReLU. */
export const gradientsOf = (x: Inputs): Record<LayerName | 'loss', Tensor> => backward(x, forward(x));

/** The same with some inputs of ReLUs on a given side of 0, and what entered each ReLU. */
export function turnedGradientsOf(x: Inputs & Sides): Record<LayerName | 'loss' | 'before1' | 'before2', Tensor> {
  const passed = forward(x, x);
  const { before1, before2 } = passed;
  return { ...backward(x, passed), before1, before2 };
}

function backward(
  x: Inputs,
  { open1, open2, hidden1, hidden2, logProbabilities }: ReturnType<typeof forward>,
): Record<LayerName | 'loss', Tensor> {
  const [n = 1] = x.pixels.shape;
  const dLogits = logProbabilities.exp().sub(x.targets).div(n);
  const dHidden2 = where(open2, dLogits.matmul(x['fc3.weight']), 0);
  const dHidden1 = where(open1, dHidden2.matmul(x['fc2.weight']), 0);
  return {
    loss: logProbabilities.mul(x.targets).sum().div(-n),
    'fc1.weight': dHidden1.matmul(x.pixels, { transposeA: true }),
    'fc2.weight': dHidden2.matmul(hidden1, { transposeA: true }),
    'fc3.weight': dLogits.matmul(hidden2, { transposeA: true }),
    'fc3.bias': dLogits.sum([0]),
  };
}

/** How many images have their largest logit, the first of equal ones, at the right digit. */
export function hitsOf(x: Inputs): Record<'hits', Tensor> {
  const { logits } = forward(x);
  const first = (scores: Tensor): Tensor =>
    iota(10)
      .mul(-1)
      .add(where(scores.eq(scores.maximum([1], { keep: true })), 0, -100))
      .maximum([1]);
  return { hits: first(logits).eq(first(x.targets)).sum() };
}

/** A program over a batch, bound to buffers of its own on a backend in host memory. */
export interface Runner {
  readonly pixels: Float32Array;
  readonly targets: Float32Array;
  /** All 0 at first. */
  readonly side1: Float32Array;
  readonly side2: Float32Array;
  /** Runs it on these weights. */
  run(weights: Weights): Readonly<Record<string, Floats>>;
}

/** One of the functions above, for batches of `count` images. */
export function runner<B>(
  backend: Backend<'sync', 'sync', never, B>,
  count: number,
  f: (x: Inputs & Sides) => Record<string, Tensor>,
): Runner {
  const shapes = { pixels: [count, 784], targets: [count, 10], side1: [count, 256], side2: [count, 256] };
  const program: Program = trace(
    { ...shapes, ...mapValues(layers, ({ shape }) => shape) },
    (x) => Object.fromEntries(Object.entries(f(x)).map(([name, value]) => [`result ${name}`, value])),
    'mnist',
  );
  const buffers = new Map<string, B>();
  for (const { key, shape, dtype } of program.inputs) buffers.set(key, backend.create('parameter', key, shape, dtype));
  for (const { key, shape, dtype } of program.outputs) buffers.set(key, backend.create('output', key, shape, dtype));
  const bufferOf = (key: string): B => {
    const buffer = buffers.get(key);
    if (buffer === undefined) throw new Error(`no buffer '${key}'`);
    return buffer;
  };
  const executable = backend.compile(program, bufferOf);
  const given = mapValues(shapes, (shape) => new Float32Array(size(shape)));
  const none = new Float64Array(0);
  return {
    ...given,
    run(weights) {
      for (const [name, data] of Object.entries({ ...given, ...weights })) if (buffers.has(name)) backend.write(bufferOf(name), data);
      executable.run(none);
      return Object.fromEntries(program.outputs.map(({ key }) => [key.slice('result '.length), backend.readBuffer(bufferOf(key))]));
    },
  };
}
