import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { BackendError, createOptimizer, OptionTypeError } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';
import { expect, it } from 'vitest';
import { shared, tfjs, tfjsAsync, tfjsDevice } from './tfjs.ts';

/** What users of tfjs 4.22 stumble over; where a trap is tfjs's own, the test says that it is still there. */

it('in Node, tfjs-core alone registers no gradients: import tfjs-layers', async () => {
  await tf.setBackend('cpu');
  expect(() => tf.grad((x: tf.Tensor) => tf.square(x))(tf.scalar(2))).toThrow();
  await import('@tensorflow/tfjs-layers');
  expect(
    tf
      .grad((x: tf.Tensor) => tf.square(x))(tf.scalar(2))
      .dataSync()[0],
  ).toBe(4);
});

it('the wasm backend has no kernel for the gradient of a convolution’s filters', async () => {
  await tf.setBackend('wasm');
  expect(tf.getKernel('Conv2DBackpropFilter', 'wasm')).toBeUndefined();
  expect(tf.getKernel('Conv2DBackpropFilter', 'cpu')).toBeDefined();
});

it('a variable is moved where it is, and survives every tidy', async () => {
  await tf.setBackend('cpu');
  const variable = tf.tidy(() => tf.variable(tf.tensor1d([1, 2])));
  const optimizer = createOptimizer({ transform: adamw({ learningRate: 0.1 }), parameters: { w: shared(variable) }, backend: tfjs() });
  tf.tidy(() => optimizer.step({ w: tf.tensor1d([1, -1]) }));
  expect(variable.dataSync()[0]).toBeLessThan(1);
  expect([...optimizer.parameters.w]).toEqual([...variable.dataSync()]);
  optimizer.dispose();
  expect(variable.isDisposed).toBe(false);
  variable.dispose();
});

it('a gradient is read before step returns; the caller may dispose of it', async () => {
  await tf.setBackend('cpu');
  const optimizer = createOptimizer({
    transform: adamw({ learningRate: 0.1 }),
    parameters: { w: { shape: [2], data: [1, 2] } },
    backend: tfjs(),
  });
  const gradient = tf.tensor1d([1, -1]);
  optimizer.step({ w: gradient });
  gradient.dispose();
  expect([...optimizer.gradients.w]).toEqual([1, -1]);
  expect(() => optimizer.step({ w: tf.tensor1d([1, 2, 3]) })).toThrow("step: gradient of 'w' must have shape [2], received [3]");
  expect(() => optimizer.step({ w: gradient })).toThrow('received a tf.Tensor that was disposed of');
  expect([...optimizer.gradients.w]).toEqual([1, -1]);
  optimizer.dispose();
});

it('a variable is one parameter, whatever it is called', async () => {
  await tf.setBackend('cpu');
  const [variable, other] = [tf.variable(tf.tensor1d([1, 2])), tf.variable(tf.tensor1d([3, 4]))];
  const backend = tfjs();
  const make = (parameters: Record<string, ReturnType<typeof shared>>) => createOptimizer({ transform: adamw(), parameters, backend });
  const twice = (): unknown => make({ encoder: shared(variable), other: shared(other), decoder: shared(variable) });
  expect(twice).toThrow(BackendError);
  expect(twice).toThrow("parameters 'encoder' and 'decoder' must be apart, received the same memory for both");
  expect(backend.buffers).toBe(0);
  expect(variable.isDisposed).toBe(false);
  // Two optimizers may take turns.
  const [first, second] = [make({ w: shared(variable) }), make({ w: shared(variable) })];
  first.dispose();
  second.step({ w: [1, 1] });
  second.dispose();
});

it.each<[string, () => unknown, string]>([
  ['tfjs', () => Reflect.apply(tfjs, undefined, [{ foo: 1 }]), 'tfjs: takes no options, received an object'],
  ['tfjsAsync', () => Reflect.apply(tfjsAsync, undefined, ['webgl']), "tfjsAsync: takes no options, received 'webgl'"],
  ['tfjsDevice', () => Reflect.apply(tfjsDevice, undefined, [{}]), 'tfjsDevice: takes no options, received an object'],
  ['shared', () => Reflect.apply(shared, undefined, [[1, 2]]), 'shared: the variable must be a tf.Variable, received an array'],
])('%s ignores nothing it is given', (_, make, message) => {
  expect(make).toThrow(OptionTypeError);
  expect(make).toThrow(message);
});

it('a tensor handed to a step that has to wait is kept as it was', async () => {
  await tf.setBackend('cpu');
  const parameters = { w: { shape: [2], data: [0, 0] } };
  const optimizer = await createOptimizer({ transform: sgd({ learningRate: 1 }), parameters, backend: tfjsAsync() });
  await optimizer.step({ w: [0, 0] });
  const before = tf.memory().numTensors;
  const [first, later] = [tf.tensor1d([1, 2]), tf.variable(tf.tensor1d([10, 20]))];
  const steps = [optimizer.step({ w: first }), optimizer.step({ w: later })];
  later.assign(tf.tensor1d([1000, 1000]));
  tf.dispose([first, later]);
  await Promise.all(steps);
  expect([...(await optimizer.parameters.w)]).toEqual([-11, -22]);
  // Two of this test: what was assigned from and to.
  expect(tf.memory().numTensors).toBe(before + 2);
  optimizer.dispose();
});

it('a step on a device only: nothing is read, poison is skipped there, and a factorisation is refused by name', async () => {
  await tf.setBackend('cpu');
  const engine = tf.engine();
  const { readSync } = engine;
  engine.readSync = () => {
    throw new Error('a synchronous read');
  };
  try {
    const optimizer = createOptimizer({
      transform: adamw({ learningRate: 0.1 }),
      parameters: { w: { shape: [2, 2], data: [1, 2, 3, 4] } },
      backend: tfjsDevice(),
    });
    optimizer.step({ w: [1, 1, 1, 1] });
    const before = await optimizer.parameters.w;
    optimizer.step({ w: [1, Number.NaN, 1, 1] });
    expect(await optimizer.skippedSteps).toBe(1);
    expect([...(await optimizer.parameters.w)]).toEqual([...before]);
    const other = createOptimizer({ transform: soap({}), parameters: { w: { shape: [2, 2], data: [1, 2, 3, 4] } }, backend: tfjsDevice() });
    expect(() => other.step({ w: [1, 1, 1, 1] })).toThrow("tfjsDevice: 'eigh' (stage 'soap', parameter 'w') would wait for the device");
    optimizer.dispose();
    other.dispose();
  } finally {
    engine.readSync = readSync;
  }
});
