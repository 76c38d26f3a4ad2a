import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { type Contender, type Entry, looped, MissingPeer } from './contender.ts';
import { type Shapes, tensors } from './models.ts';

export type TfjsBackend = 'cpu' | 'wasm';

/** `webgpu` must have been registered. */
type Registered = TfjsBackend | 'webgpu';

/** `tf.train.adam`, gradients handed over as tensors that are there already. */
export const tfjsAdam = (backend: TfjsBackend, shapes: Shapes): Entry => ({
  name: `tfjs-${backend} Adam`,
  make: () => tfjsTraining(backend, shapes, (tf) => tf.train.adam(1e-3)),
});

/** Ours as a `tf.Optimizer` on tfjs-wasm, its arithmetic on our wasm backend: copies in both directions included. */
export const tfjsOurs = (name: string, shapes: Shapes): Entry => ({
  name,
  async make() {
    const [{ toTfjsOptimizer }, { adamw }, { wasm }] = await Promise.all([
      import('@opt/backend-tfjs'),
      import('@opt/transforms'),
      import('@opt/backend-wasm'),
    ]);
    return tfjsTraining('wasm', shapes, () => toTfjsOptimizer(adamw({ learningRate: 1e-3 }), { compute: wasm() }));
  },
});

type Tfjs = typeof import('@tensorflow/tfjs-core');

/** Steps of a `tf.Optimizer`; what tfjs still holds back is submitted before a run is over. */
export async function tfjsTraining(
  backend: Registered,
  shapes: Shapes,
  make: (tf: Tfjs) => import('@tensorflow/tfjs-core').Optimizer,
): Promise<Contender> {
  const tf = await load(backend);
  // Tensors live on the backend that is set while they are made, and are moved if another one reads them.
  const use = async (): Promise<void> => {
    await tf.setBackend(backend);
  };
  await use();
  const [initial, given] = [tensors(shapes, 0), tensors(shapes, 1)];
  const variables = Object.entries(shapes).map(([name, shape]) => tf.variable(tf.tensor(initial[name] ?? [], [...shape])));
  const optimizer = make(tf);
  const gradients = Object.entries(shapes).map(([name, shape], i) => ({
    name: variables[i]?.name ?? name,
    tensor: tf.tensor(given[name] ?? [], [...shape]),
  }));
  const { run } = looped(() => optimizer.applyGradients(gradients));
  const submit = backend === 'webgpu' ? (await import('@opt/backend-tfjs')).submitPending : () => {};
  return {
    async run(iterations) {
      await use();
      const seconds = await run(iterations);
      submit();
      return seconds;
    },
    async dispose() {
      await use();
      optimizer.dispose();
      tf.dispose([...variables, ...gradients.map(({ tensor }) => tensor)]);
    },
  };
}

async function load(backend: Registered): Promise<Tfjs> {
  try {
    const tf = await import('@tensorflow/tfjs-core');
    // Without checks, and without advice to install another package.
    tf.enableProdMode();
    if (backend === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
    else if (backend === 'wasm') {
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
      if (tf.findBackend('wasm') === null) {
        setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`);
      }
    }
    return tf;
  } catch (error) {
    throw new MissingPeer(`tfjs: ${error instanceof Error ? error.message : String(error)}`);
  }
}
