import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toTfjsOptimizer } from '@opt/backend-tfjs';
import { wasm } from '@opt/backend-wasm';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { dispose } from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { folder } from './folder.ts';
import { type Digits, mnist } from './mnist.ts';
import { network } from './network.ts';

export interface Settings {
  readonly images: number;
  /** Before saving, and again after loading. */
  readonly epochs: number;
  readonly seed: number;
}

export interface Outcome {
  /** On the test images. */
  readonly accuracy: number;
  /** The largest difference between a weight of the model that went on and of the one that was loaded. */
  readonly difference: number;
}

/** Trains, saves, loads, and trains both models on. */
export async function train({ images, epochs, seed }: Settings, say: (line: string) => void): Promise<Outcome> {
  const [digits, test] = [mnist('train', images), mnist('t10k')];
  const optimizer = toTfjsOptimizer(normalizeEma({ base: soap({ learningRate: 0.1 }) }), {
    className: 'SoapNormalizeEma',
    compute: wasm(),
  });
  const model = network(seed);
  model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  await fit(model, digits, epochs, say);

  const path = mkdtempSync(join(tmpdir(), 'tfjs-fit-'));
  try {
    await model.save(folder(path), { includeOptimizer: true });
    const loaded = await loadLayersModel(folder(path));
    say(`saved and loaded; both go on for ${epochs} epochs`);
    await fit(model, digits, epochs, say);
    await fit(loaded, digits, epochs, () => {});
    const accuracy = accuracyOf(model, test);
    say(`test accuracy ${(100 * accuracy).toFixed(1)} %`);
    const difference = distance(model, loaded);
    say(`largest difference between the two models: ${difference}`);
    model.dispose();
    loaded.dispose();
    return { accuracy, difference };
  } finally {
    rmSync(path, { recursive: true });
    dispose([digits.images, digits.labels, test.images, test.labels]);
  }
}

async function fit(model: LayersModel, { images, labels }: Digits, epochs: number, say: (line: string) => void): Promise<void> {
  await model.fit(images, labels, {
    epochs,
    batchSize: 40,
    shuffle: false,
    verbose: 0,
    callbacks: {
      onEpochEnd: (epoch, logs) =>
        say(`epoch ${epoch + 1}/${epochs}  loss ${logs?.['loss']?.toFixed(4)}  accuracy ${logs?.['acc']?.toFixed(3)}`),
    },
  });
}

function accuracyOf(model: LayersModel, { images, labels }: Digits): number {
  const result = model.evaluate(images, labels);
  const [, accuracy] = Array.isArray(result) ? result : [];
  const value = accuracy?.dataSync()[0] ?? 0;
  dispose(result);
  return value;
}

function distance(a: LayersModel, b: LayersModel): number {
  const [ours, theirs] = [a, b].map((model) => model.getWeights().flatMap((weight) => [...weight.dataSync()]));
  return ours?.reduce((most, x, i) => Math.max(most, Math.abs(x - (theirs?.[i] ?? Number.NaN))), 0) ?? Number.NaN;
}
