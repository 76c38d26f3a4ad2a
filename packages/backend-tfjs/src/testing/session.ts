import { readFileSync, writeFileSync } from 'node:fs';
import { wasm } from '@opt/backend-wasm';
import { adamw } from '@opt/transforms';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { tfjs } from '../tfjs.ts';
import { toTfjsOptimizer } from '../to-tfjs-optimizer.ts';

/**
 * One process of `sessions.test.ts`. Three dense layers are trained with the first one frozen, then without: 'saved frozen' and 'saved
 * thawed' say when a file is written. 'resume' loads one in which it is. The losses from there on are printed.
 */
const [what, compute, file = ''] = process.argv.slice(2);
await tf.setBackend('cpu');
const optimizer = toTfjsOptimizer(adamw({ learningRate: 0.01 }), {
  className: 'Sessions',
  compute: compute === 'tfjs' ? tfjs() : wasm(),
});
const x = tf.tensor2d(
  Array.from({ length: 32 }, (_, i) => Math.sin(3 * i)),
  [8, 4],
);
const y = tf.tensor2d(
  Array.from({ length: 32 }, (_, i) => Math.cos(5 * i)),
  [8, 4],
);
const compile = (model: layers.LayersModel, with_: tf.Optimizer): void => model.compile({ optimizer: with_, loss: 'meanSquaredError' });
const fit = async (model: layers.LayersModel, epochs: number): Promise<number[]> =>
  ((await model.fit(x, y, { epochs, batchSize: 8, shuffle: false, verbose: 0 })).history['loss'] ?? []).map(Number);

/** The first layer takes part again. */
function thaw(model: layers.LayersModel): void {
  const [first] = model.layers;
  if (first !== undefined) first.trainable = true;
  compile(model, model.optimizer);
}

interface File {
  readonly artifacts: tf.io.ModelArtifacts;
  readonly weights: string;
}

async function save(model: layers.LayersModel): Promise<void> {
  const save = async ({ weightData: data, ...artifacts }: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> => {
    const weights = Buffer.from(data instanceof ArrayBuffer ? data : tf.io.concatenateArrayBuffers(data ?? [])).toString('base64');
    writeFileSync(file, JSON.stringify({ artifacts, weights } satisfies File));
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
  };
  await model.save({ save }, { includeOptimizer: true });
}

async function load(): Promise<layers.LayersModel> {
  const { artifacts, weights }: File = JSON.parse(readFileSync(file, 'utf8'));
  return layers.loadLayersModel({
    load: async () => ({ ...artifacts, weightData: new Uint8Array(Buffer.from(weights, 'base64')).buffer }),
  });
}

const build = (): layers.LayersModel =>
  layers.sequential({
    layers: [0, 1, 2].map((i) =>
      layers.layers.dense({
        units: 4,
        activation: 'tanh',
        trainable: i > 0,
        kernelInitializer: layers.initializers.glorotUniform({ seed: i }),
        ...(i === 0 && { inputShape: [4] }),
      }),
    ),
  });

if (what === 'resume') {
  const model = await load();
  thaw(model);
  console.log(JSON.stringify(await fit(model, 6)));
} else {
  const model = build();
  compile(model, optimizer);
  await fit(model, 10);
  if (what === 'saved frozen') await save(model);
  thaw(model);
  if (what === 'saved thawed') {
    await fit(model, 4);
    await save(model);
  }
  console.log(JSON.stringify(await fit(model, 6)));
}
