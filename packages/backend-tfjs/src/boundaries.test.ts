import { wasm } from '@opt/backend-wasm';
import { createOptimizer, GradientError, isPromise, OptionRangeError, OptionTypeError, partition, type Transform } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw, sgd } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { shared, tfjs, tfjsAsync } from './tfjs.ts';
import { toTfjsOptimizer } from './to-tfjs-optimizer.ts';

/** What comes from outside: right, or refused by name with nothing moved. */

const computes = { 'on tfjs': tfjs, 'on wasm': wasm };
/** As someone without types might write it. */
function untyped<T>(text: string): T {
  return JSON.parse(text);
}
const plain = (): Transform => sgd({ learningRate: 1 });

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterEach(() => tf.disposeVariables());

describe.each(['on tfjs', 'on wasm'] as const)('gradients, %s', (where) => {
  const make = (transform = plain()) => toTfjsOptimizer(transform, { compute: computes[where]() });

  it('a scalar counts for every element, as in tfjs', () => {
    const w = tf.variable(tf.tensor1d([0, 0, 0]));
    const optimizer = make();
    optimizer.applyGradients({ [w.name]: tf.tensor1d([1, 2, 3]) });
    const before = tf.memory().numTensors;
    optimizer.applyGradients({ [w.name]: tf.tidy(() => tf.scalar(7)) ?? tf.scalar(7) });
    expect([...w.dataSync()]).toEqual([-8, -9, -10]);
    expect(tf.memory().numTensors).toBe(before + 1);
  });

  it.each<[string, number[], () => unknown, string]>([
    ['an element too few', [2], () => tf.tensor1d([7]), 'received shape [1]'],
    ['an element too many', [2], () => tf.tensor1d([7, 7, 7]), 'received shape [3]'],
    ['some elements', [3], () => tf.tensor1d([7, 7]), 'received shape [2]'],
    ['another shape', [3, 2], () => tf.ones([2, 3]), 'received shape [2, 3]'],
    ['words', [2], () => tf.tensor1d(['a', 'b']), "received one of dtype 'string'"],
    ['pairs', [2], () => tf.complex([1, 1], [0, 0]), "received one of dtype 'complex64'"],
    ['an array', [2], () => [1, 2], 'received an array'],
    ['a promise', [2], () => Promise.resolve(tf.ones([2])), 'received a Promise'],
    ['a number', [2], () => 3, 'received a number'],
    [
      'a tensor that is gone',
      [2],
      () => {
        const gone = tf.ones([2]);
        gone.dispose();
        return gone;
      },
      'received a tensor that was disposed of',
    ],
  ])('%s: nothing moves, not the others either', (_, shape, wrong, received) => {
    const [first, w] = [tf.variable(tf.ones([2])), tf.variable(tf.ones(shape))];
    const optimizer = make();
    const right = { [first.name]: tf.ones([2]) };
    optimizer.applyGradients({ ...right, [w.name]: tf.ones(shape) });
    const given = { ...right, [w.name]: wrong() };
    // The types forbid it.
    const apply = (): unknown => Reflect.apply(optimizer.applyGradients, optimizer, [given]);
    expect(apply).toThrow(GradientError);
    expect(apply).toThrow(`gradient of '${w.name}' must be a tensor of shape [${shape.join(', ')}], or a scalar`);
    expect(apply).toThrow(received);
    expect([[...first.dataSync()], w.dataSync().every((x) => x === 0)]).toEqual([[0, 0], true]);
    expect(optimizer.iterations).toBe(1);
    optimizer.applyGradients(right);
    expect([...first.dataSync()]).toEqual([-1, -1]);
  });

  it('variables that are none, or cannot be trained', () => {
    const optimizer = make();
    const [empty, whole] = [tf.variable(tf.zeros([0, 3])), tf.variable(tf.zeros([2], 'int32'), true, undefined, 'int32')];
    const w = tf.variable(tf.ones([1]));
    expect(() => optimizer.applyGradients({ [empty.name]: tf.zeros([0, 3]) })).toThrow(
      `variable '${empty.name}' must be of float32 with at least one element to be trained, received float32 [0, 3]`,
    );
    expect(() => optimizer.applyGradients({ [whole.name]: tf.ones([2]) })).toThrow('received int32 [2]');
    expect(() => optimizer.applyGradients({ nobody: tf.ones([2]) })).toThrow("there is no variable 'nobody'");
    expect(() => optimizer.applyGradients({ constructor: tf.ones([2]) })).toThrow("there is no variable 'constructor'");
    expect(() =>
      optimizer.applyGradients([
        { name: w.name, tensor: tf.ones([1]) },
        { name: w.name, tensor: tf.ones([1]) },
      ]),
    ).toThrow('give their sum');
    for (const given of ['null', '3', '[3]', '{}', '[]']) expect(() => optimizer.applyGradients(untyped(given))).toThrow(GradientError);
    expect(optimizer.iterations).toBe(0);
    const nothing: tf.Tensor = untyped('null');
    optimizer.applyGradients([
      { name: empty.name, tensor: nothing },
      { name: w.name, tensor: tf.ones([1]) },
    ]);
    expect([...w.dataSync()]).toEqual([0]);
  });

  it('variables of any name', () => {
    const names = ['a:b.c/d', 'parameter:w', 'hasOwn', '7', 'x y'];
    const variables = names.map((name) => tf.variable(tf.scalar(1), true, name));
    const optimizer = make();
    for (let i = 0; i < 2; i++) optimizer.applyGradients(variables.map(({ name }) => ({ name, tensor: tf.scalar(1) })));
    expect(variables.map((one) => one.dataSync()[0])).toEqual(names.map(() => -1));
  });

  it('hyperparameters: a wrong address or value is refused at once, before the first step too', () => {
    const w = tf.variable(tf.ones([2, 2]));
    const optimizer = make(soap({ weightDecay: 0 }));
    const check = (): void => {
      expect(() => optimizer.set('beta22', 0.5)).toThrow("set: 'beta22' is no hyperparameter, known are");
      expect(() => optimizer.set('beta2', 1.5)).toThrow(OptionRangeError);
      expect(() => optimizer.set('beta2', untyped('"0.5"'))).toThrow(OptionTypeError);
      optimizer.learningRate = 0.125;
      expect(optimizer.getConfig()).toMatchObject({ beta2: 0.95, learningRate: 0.125 });
    };
    check();
    optimizer.applyGradients({ [w.name]: tf.ones([2, 2]) });
    check();
    expect(optimizer.hyperparameters['epsilon']).toBe(1e-8);
    const own = make(soap({ shampooBeta: 0.5 }));
    own.set('shampooBeta', 0.75);
    expect(own.hyperparameters['shampooBeta']).toBe(0.75);
    const both = make(partition({ a: sgd(), b: sgd() }, (_, shape) => (shape.length === 2 ? 'a' : 'b')));
    expect(() => both.set('learningRate', 1)).toThrow("'learningRate' is ambiguous");
    both.set('a/learningRate', 1);
    both.applyGradients({ [w.name]: tf.ones([2, 2]) });
    expect(both.getConfig()).toMatchObject({ 'a/descend/learningRate': 1, 'b/descend/learningRate': 0.01 });
  });

  it('a NaN in fit is said once, in the log', async () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const model = layers.sequential({ layers: [layers.layers.dense({ units: 1, inputShape: [1] })] });
    model.compile({ optimizer: make(adamw()), loss: 'meanSquaredError' });
    await model.fit(tf.tensor2d([1, Number.NaN], [2, 1]), tf.ones([2, 1]), { epochs: 4, batchSize: 1, verbose: 0 });
    const said = log.mock.calls.map(([line]) => String(line)).filter((line) => line.startsWith('@opt'));
    expect(said).toEqual([expect.stringMatching(/^@opt: toTfjsOptimizer: a gradient at step [12] or before was NaN or infinite/)]);
    log.mockRestore();
    model.dispose();
  });
});

it('one variable under two names is refused', () => {
  const w = tf.variable(tf.ones([2]));
  const make = (parameters: Record<string, tf.Variable | ReturnType<typeof shared>>) =>
    createOptimizer({ transform: plain(), parameters, backend: tfjs() });
  for (const parameters of [
    { a: shared(w), b: shared(w) },
    { a: w, b: shared(w) },
  ])
    expect(() => make(parameters)).toThrow(
      "createOptimizer: parameters 'a' and 'b' must be apart, received the same memory for both; give it one name, and the sum of its gradients",
    );
  const [one, other] = [make({ a: shared(w) }), make({ b: shared(w) })];
  for (const optimizer of [one, other]) if (!isPromise(optimizer)) optimizer.dispose();
});

describe('options', () => {
  const refused = (options: string): string => {
    try {
      toTfjsOptimizer(plain(), untyped(options));
    } catch (error) {
      return error instanceof OptionTypeError || error instanceof OptionRangeError ? error.message : `another error: ${String(error)}`;
    }
    return 'accepted';
  };

  it.each([
    ['null', 'toTfjsOptimizer: options must be an object, received null'],
    ['3', 'toTfjsOptimizer: options must be an object, received 3'],
    ['{ "backend": 1 }', "toTfjsOptimizer: unknown option 'backend', known are compute, seed, model, className"],
    ['{ "compute": 3 }', 'toTfjsOptimizer: compute must be a backend whose steps are synchronous, such as wasm() or tfjs(), or left out'],
    ['{ "compute": "wasm" }', "received 'wasm'"],
    ['{ "compute": {} }', 'received an object'],
    ['{ "seed": -1 }', 'toTfjsOptimizer: seed must be an integer in [0, 2^32), received -1'],
    ['{ "seed": "1" }', 'toTfjsOptimizer: seed must be an integer in [0, 2^32)'],
    ['{ "model": 3 }', 'toTfjsOptimizer: model must be a layers model, an array of them, or a function giving them, received 3'],
    [
      '{ "className": "Adam" }',
      "toTfjsOptimizer: className must be a name of letters and digits, such as 'MySoap', that no class of tfjs or of yours has, received 'Adam'",
    ],
    ['{ "className": "Dense" }', "received 'Dense'"],
    ['{ "className": "My_Opt" }', "received 'My_Opt'"],
    ['{ "className": "" }', "received ''"],
    ['{ "className": 3 }', 'received 3'],
    ['{ "className": "constructor" }', "received 'constructor'"],
  ])('%s', (options, message) => {
    expect(refused(options)).toContain(message);
  });

  it('a function for a backend, a promise of one, a backend whose steps are awaited, a transform that is none', () => {
    // The types forbid all of them.
    for (const compute of [wasm, Promise.resolve(wasm()), tfjsAsync()]) {
      expect(() => Reflect.apply(toTfjsOptimizer, undefined, [plain(), { compute }])).toThrow(
        'compute must be a backend whose steps are synchronous',
      );
    }
    for (const transform of [null, undefined, adamw, 'adam', {}]) {
      expect(() => Reflect.apply(toTfjsOptimizer, undefined, [transform])).toThrow(
        'toTfjsOptimizer: transform must be a transform such as adam',
      );
    }
  });

  it("tfjs's own optimizer stays under its name, and a second of ours takes the place of the first", () => {
    const { classNameMap } = tf.serialization.SerializationMap.getMap();
    expect(refused('{ "className": "Adam" }')).not.toBe('accepted');
    expect([tf.AdamOptimizer, undefined]).toContain(classNameMap['Adam']?.[0]);
    const [first, second] = [toTfjsOptimizer(plain(), { className: 'Twice' }), toTfjsOptimizer(plain(), { className: 'Twice' })];
    expect(first.getClassName()).toBe('Twice');
    expect(classNameMap['Twice']?.[0]).toBe(second.constructor);
  });
});

describe('where the mathematics runs if nothing says it', () => {
  beforeEach(async () => {
    await tf.setBackend('cpu');
  });

  it('on cpu: wasm(), which keeps no tensors, with its bits', () => {
    const run = (compute?: ReturnType<typeof wasm>): { numbers: number[]; tensors: number } => {
      const w = tf.variable(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]));
      const optimizer = toTfjsOptimizer(soap({ learningRate: 0.1 }), compute === undefined ? {} : { compute });
      const before = tf.memory().numTensors;
      for (let i = 0; i < 15; i++) tf.tidy(() => optimizer.applyGradients({ [w.name]: tf.sin(tf.mul(w, i + 1)) }));
      return { numbers: [...w.dataSync()], tensors: tf.memory().numTensors - before };
    };
    expect(run()).toEqual(run(wasm()));
    expect(run().tensors).toBe(0);
  });
});
