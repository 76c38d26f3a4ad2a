import { readFileSync } from 'node:fs';
import { type GoldenCase, optimizerNamed, parseGolden, relativeError } from '@opt/backend-contract';
import { reference } from '@opt/backend-reference';
import { accumulate, createOptimizer, type Floats, OptionRangeError, type Rule, rule } from '@opt/core';
import { muon } from '@opt/geometric';
import { soap } from '@opt/soap';
import { adamw, descend, extragradient, lion } from '@opt/transforms';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { exportOnnx, NoOperatorError } from './index.ts';

const read = (path: string): Extract<GoldenCase, { kind: 'trajectory' }> => {
  const golden = parseGolden(JSON.parse(readFileSync(new URL(`../../backend-contract/golden/${path}.json`, import.meta.url), 'utf8')));
  if (golden.kind !== 'trajectory') throw new Error(`${path} is no trajectory`);
  return golden;
};

/** A step as plain onnxruntime-node runs it: what goes in by name, what comes out without its `next:`. */
async function standalone(file: Uint8Array): Promise<{
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  run(values: Readonly<Record<string, Floats>>, scalars: Readonly<Record<string, number>>): Promise<Record<string, Floats>>;
}> {
  const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
  const shapes = new Map(session.inputMetadata.map((input) => [input.name, input.isTensor ? input.shape.map(Number) : []]));
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(values, { step = 0, ...hypers }) {
      const feeds: Record<string, Tensor> = {};
      for (const name of session.inputNames) {
        const data = values[name];
        const count = hypers[name];
        if (name === 'step') feeds[name] = new Tensor('int64', [BigInt(step)], []);
        else if (name.startsWith('count:') && count !== undefined) feeds[name] = new Tensor('int64', [BigInt(count)], []);
        else if (hypers[name] !== undefined) feeds[name] = new Tensor('float64', [hypers[name]], []);
        else if (data !== undefined) feeds[name] = new Tensor('float32', Float32Array.from(data), shapes.get(name) ?? []);
      }
      const results = await session.run(feeds);
      return Object.fromEntries(
        Object.entries(results).flatMap(([name, { data }]) => (data instanceof Float32Array ? [[name.replace(/^next:/, ''), data]] : [])),
      );
    },
  };
}

/** State of an optimizer of ours, to be carried on elsewhere. */
const stateOf = (optimizer: { readonly state: Readonly<Record<string, Floats>> }): Record<string, Floats> =>
  Object.fromEntries(Object.entries(optimizer.state).map(([key, value]) => [key, Float32Array.from(value)]));

describe('a step on its own takes the recorded trajectory', () => {
  it.each([
    'geometric/adamw-default',
    'geometric/adamw-high-decay',
    'geometric/muon-square',
    'geometric/muon-wide',
    'geometric/doubly-stochastic-square',
    'normalize-ema/sgd-base',
    'normalize-ema/soap-square',
    'soap/square-default',
    'soap/several-parameters',
  ])('%s', async (path) => {
    const golden = read(path);
    const make = (): Rule => optimizerNamed(golden.optimizer)(golden.hyperparameters);
    const parameters = Object.fromEntries(golden.parameters.map(({ name, shape, initial }) => [name, { shape, data: initial }]));
    const step = await standalone(exportOnnx(make(), parameters));
    // Steps of other kinds (a first basis, a refresh) are done by the reference, from the same state.
    const shadow = createOptimizer({ transform: make(), parameters, backend: reference({ precision: 'f32' }) });
    const kinds = shadow.explain(golden.steps.length).programs.filter(({ name }) => name !== 'check');
    const usual = kinds.reduce((most, one) => (one.calls > most.calls ? one : most)).name;
    const { learningRate } = shadow.explain(1).hyperparameters;
    if (typeof learningRate !== 'number') throw new Error('a learning rate that is a number is needed');
    const none = { 'guard.skipped:': new Float32Array(1) };
    let [values, alone]: [Record<string, Floats>, number] = [{ ...none, ...stateOf(shadow) }, 0];
    for (const { name, initial } of golden.parameters) values[`parameter:${name}`] = Float32Array.from(initial);
    for (const [i, { gradients, parameters: expected }] of golden.steps.entries()) {
      const before = shadow.explain(i).programs.find(({ name }) => name === usual)?.calls ?? 0;
      const after = shadow.explain(i + 1).programs.find(({ name }) => name === usual)?.calls ?? 0;
      shadow.step(gradients);
      if (after > before) {
        alone++;
        const fed = Object.fromEntries(Object.entries(gradients).map(([name, data]) => [`gradient:${name}`, Float32Array.from(data)]));
        values = { ...values, ...(await step.run({ ...values, ...fed }, { step: i + 1, learningRate })) };
      } else {
        values = { ...values, ...stateOf(shadow) };
        for (const [name, data] of Object.entries(shadow.parameters)) values[`parameter:${name}`] = Float32Array.from(data);
      }
      for (const [name, data] of Object.entries(expected)) {
        const error = relativeError(values[`parameter:${name}`] ?? [], data);
        expect(error, `step ${i + 1}, ${name}`).toBeLessThanOrEqual(golden.tolerance.float32 ?? 1e-4);
      }
    }
    expect(alone).toBeGreaterThan(golden.steps.length / 2);
  });
});

const one = { w: { shape: [3, 2] } };
const gradient = Float32Array.from([1, -2, 3, -4, 5, -6]);
const start = (keys: readonly string[]): Record<string, Floats> =>
  Object.fromEntries(
    keys.flatMap((key) => (key.includes(':') && !key.startsWith('count:') ? [[key, new Float32Array(key.endsWith(':') ? 1 : 6)]] : [])),
  );

describe('what goes into a step', () => {
  it('is parameters, gradients, state, the step and the learning rate', async () => {
    const { inputs, outputs, run } = await standalone(exportOnnx(adamw({ learningRate: 0.1 }), one));
    expect([...inputs].sort()).toEqual(
      ['adamw.m:w', 'adamw.v:w', 'gradient:w', 'guard.skipped:', 'learningRate', 'parameter:w', 'step'].sort(),
    );
    expect([...outputs].sort()).toEqual(['next:adamw.m:w', 'next:adamw.v:w', 'next:guard.skipped:', 'next:parameter:w']);
    // The first step of Adam is the sign of the gradient.
    const after = await run({ ...start(inputs), 'gradient:w': gradient }, { step: 1, learningRate: 0.5 });
    expect([...(after['parameter:w'] ?? [])].map((x) => Math.round(x * 1e6) / 1e6)).toEqual([-0.5, 0.5, -0.5, 0.5, -0.5, 0.5]);
  });

  it('is any other hyperparameter that is asked for', async () => {
    const { inputs } = await standalone(exportOnnx(adamw(), one, { live: ['beta1', 'weightDecay'] }));
    expect(inputs.filter((name) => !/[.:]/.test(name)).sort()).toEqual(['beta1', 'step', 'weightDecay']);
    expect(() => exportOnnx(adamw(), one, { live: ['beta3'] })).toThrow(/exportOnnx: live must be of .*beta2.*, received 'beta3'/);
  });

  it('is a count where the number of the call says nothing about it', async () => {
    const file = exportOnnx(accumulate(4, adamw({ learningRate: 0.1 })), one, { step: 'close, some' });
    const { inputs, run } = await standalone(file);
    expect(inputs.filter((name) => name.startsWith('count:') || name === 'step')).toEqual(['count:adamw:w']);
    const after = await run(
      { ...start(inputs), 'accumulate.sum:w': gradient, 'gradient:w': gradient },
      { learningRate: 0.5, 'count:adamw:w': 1 },
    );
    expect(after['parameter:w']?.[0]).toBeCloseTo(-0.5, 5);
  });

  it('a schedule must be followed from outside', async () => {
    const { run, inputs } = await standalone(exportOnnx(rule(lion(), descend({ learningRate: (t) => 1 / (t + 1) })), one, { live: [] }));
    const values = { ...start(inputs), 'gradient:w': gradient };
    await expect(run(values, { step: 1 })).rejects.toThrow(/learningRate/);
    expect((await run(values, { step: 1, learningRate: 0.25 }))['parameter:w']?.[0]).toBeCloseTo(-0.25, 6);
  });

  it('a gradient that is not finite changes nothing', async () => {
    const { run, inputs } = await standalone(exportOnnx(muon(), one));
    const values = { ...start(inputs), 'parameter:w': gradient, 'gradient:w': gradient.map((g, i) => (i === 2 ? Number.NaN : g)) };
    const after = await run(values, { step: 1, learningRate: 0.1 });
    expect(after['parameter:w']).toEqual(gradient);
    expect(after['guard.skipped:']).toEqual(Float32Array.of(1));
  });
});

describe('what cannot be exported', () => {
  it.each(['start', 'refresh'])("SOAP's %s needs a factorisation", (step) => {
    const make = (): Uint8Array => exportOnnx(soap(), one, { step });
    expect(make).toThrow(NoOperatorError);
    expect(make).toThrow(/ONNX has no operator for 'orthonormalize|eigh'.*stage 'soap'/);
  });

  it('a step that asks in its middle, unless one of its programs is named', () => {
    const transform = extragradient();
    const shapes = { w: { shape: [2] } };
    expect(() => exportOnnx(transform, shapes)).toThrow(
      "exportOnnx: 'extragradient.ahead' is asked of an objective in the middle of a step, which is then several programs; take one by `step`: 'step (part 1)', 'step'",
    );
    expect(exportOnnx(transform, shapes, { step: 'step' }).length).toBeGreaterThan(0);
  });

  it('a kind of step there is not', () => {
    const make = (): Uint8Array => exportOnnx(soap(), one, { step: 'stop' });
    expect(make).toThrow(OptionRangeError);
    expect(make).toThrow("exportOnnx: step must be one of 'step', 'refresh', 'start', received 'stop'");
  });
});
