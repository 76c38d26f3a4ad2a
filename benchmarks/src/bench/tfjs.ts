import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { type Contender, type Entry, looped, MissingPeer } from './contender.ts';
import { type Shapes, tensors } from './models.ts';

export type TfjsBackend = 'cpu' | 'wasm';

/** `tf.train.adam`, gradients handed over as tensors that are there already. */
export const tfjsAdam = (backend: TfjsBackend, shapes: Shapes): Entry => ({
  name: `tfjs-${backend} Adam`,
  make: () => adam(backend, shapes),
});

async function adam(backend: TfjsBackend, shapes: Shapes): Promise<Contender> {
  const tf = await load(backend);
  // Tensors live on the backend that is set while they are made, and are moved if another one reads them.
  const use = async (): Promise<void> => {
    await tf.setBackend(backend);
  };
  await use();
  const [initial, given] = [tensors(shapes, 0), tensors(shapes, 1)];
  const optimizer = tf.train.adam(1e-3);
  const variables = Object.entries(shapes).map(([name, shape]) => tf.variable(tf.tensor(initial[name] ?? [], [...shape])));
  const gradients = Object.entries(shapes).map(([name, shape], i) => ({
    name: variables[i]?.name ?? name,
    tensor: tf.tensor(given[name] ?? [], [...shape]),
  }));
  const { run } = looped(() => optimizer.applyGradients(gradients));
  return {
    async run(iterations) {
      await use();
      return run(iterations);
    },
    async dispose() {
      await use();
      optimizer.dispose();
      tf.dispose([...variables, ...gradients.map(({ tensor }) => tensor)]);
    },
  };
}

async function load(backend: TfjsBackend): Promise<typeof import('@tensorflow/tfjs-core')> {
  try {
    const tf = await import('@tensorflow/tfjs-core');
    // Without checks, and without advice to install another package.
    tf.enableProdMode();
    if (backend === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
    else {
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
