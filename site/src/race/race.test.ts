import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gradientEngine } from '../../../examples/race/src/gradient-engine.ts';
import { initialWeights } from '../../../examples/race/src/initial-weights.ts';
import { stream } from '../../../examples/race/src/stream.ts';
import { classifier } from './classifier.ts';
import { pick } from './data.ts';
import { entrants } from './entrants.ts';
import { nodeData } from './node-data.ts';
import { race } from './race.ts';
import { sweptRate } from './rates.ts';
import { parseRecording, recordingFormat, replay } from './recording.ts';
import { raceTasks } from './task-names.ts';

const data = nodeData();

describe('the classifier', () => {
  it('has the loss, gradients and accuracy that jax-js has', async () => {
    const ours = classifier();
    const theirs = await gradientEngine();
    const parameters = initialWeights(stream(0, 'weights'));
    const samples = pick(
      data.train,
      Uint32Array.from({ length: 64 }, (_, i) => 7 * i),
    );
    const [a, b] = [
      ours.lossAndGradients(parameters, samples),
      theirs.lossAndGradients(parameters, { ...samples, inputs: samples.inputs.slice(), targets: samples.targets.slice() }),
    ];
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-6);
    for (const [name, gradient] of Object.entries(b.gradients)) {
      const scale = Math.max(...gradient.map(Math.abs));
      const apart = Math.max(...gradient.map((value, i) => Math.abs(value - (a.gradients[name]?.[i] ?? Number.NaN))));
      expect(apart / scale, name).toBeLessThan(1e-5);
    }
    const test = { ...data.test, inputs: data.test.inputs.slice(), targets: data.test.targets.slice() };
    expect(ours.evaluate(parameters, test).accuracy).toBeCloseTo(theirs.evaluate(parameters, test).accuracy, 6);
    ours.dispose();
    theirs.dispose();
  });
});

describe('the tasks that are raced on', () => {
  const {
    tasks: swept,
  }: { readonly tasks: readonly { name: string; firstLoss: number; optimizers: { name: string; bestRate: number }[] }[] } = JSON.parse(
    readFileSync(new URL('../../../benchmarks/results/sweep.json', import.meta.url), 'utf8'),
  );

  it.each(raceTasks)('$name begins as in the sweep, with its rates', async ({ name, sweep }) => {
    const { firstLoss, optimizers } = swept.find((task) => task.name === sweep) ?? { firstLoss: Number.NaN, optimizers: [] };
    const run = await race({ task: name, seed: 0, batch: 64, lanes: [{ optimizer: 'soap', options: {} }] }, nodeData);
    expect(run.step()[0]?.loss).toBeCloseTo(firstLoss, 4);
    expect(run.accuracies() === null).toBe(name.includes('matrix') || name.includes('inverse'));
    run.dispose();
    for (const { name: optimizer, bestRate } of optimizers) {
      const ours = sweptRate(optimizer === 'sgd-momentum' ? 'sgd' : optimizer, name);
      if (ours !== undefined) expect(ours, `${optimizer} on ${name}`).toBe(Number(bestRate.toPrecision(2)));
    }
  });
});

describe('a race', () => {
  it('can be entered by every optimizer with every option it shows', async () => {
    const lanes = entrants.map(({ name, options }) => ({ optimizer: name, options }));
    const run = await race({ task: 'mlp', seed: 1, batch: 32, lanes }, nodeData);
    const before = run.step().map(({ loss }) => loss);
    expect(new Set(before).size).toBe(1);
    for (let step = 0; step < 3; step++) for (const { loss } of run.step()) expect(loss).toBeGreaterThan(0);
    run.dispose();
  });

  it('refuses an option out of range in the words of the package', async () => {
    const lanes = [{ optimizer: 'soap', options: { beta1: 2 } }];
    await expect(race({ task: 'mlp', seed: 0, batch: 8, lanes }, nodeData)).rejects.toThrow('soap: beta1 must be in [0, 1), received 2');
  });

  it('is the same again, rates changed on the way, and says where it is not', async () => {
    const settings = {
      task: 'mlp' as const,
      seed: 3,
      batch: 16,
      lanes: [
        { optimizer: 'soap', options: { preconditionFrequency: 2 } },
        { optimizer: 'adamw', options: {} },
      ],
    };
    const run = await race(settings, nodeData);
    const losses: number[][] = [[], []];
    for (let step = 0; step < 5; step++) {
      if (step === 3) run.setRate(1, 0.05);
      for (const [lane, { loss }] of run.step().entries()) losses[lane]?.push(loss);
    }
    const results = run.fingerprints().map((weights, lane) => ({ losses: losses[lane] ?? [], weights }));
    const recording = parseRecording(
      JSON.stringify({ format: recordingFormat, settings, changes: [{ step: 3, lane: 1, rate: 0.05 }], results }),
    );
    expect(await replay(recording, nodeData)).toEqual([]);
    const [first] = await replay({ ...recording, changes: [] }, nodeData);
    expect(first).toContain('step 5, lane 1: loss');
    run.dispose();
  });

  it('is not read from a file that is none', () => {
    expect(() => parseRecording('{}')).toThrow("format must be 'opt-race/1', received undefined");
    expect(() => parseRecording(JSON.stringify({ format: recordingFormat, settings: { lanes: [{}] } }))).toThrow(
      'lane 0: optimizer must be a name',
    );
  });
});
