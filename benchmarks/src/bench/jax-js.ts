import type { numpy } from '@jax-js/jax';
import { type Contender, type Entry, looped, MissingPeer } from './contender.ts';
import { type Shapes, tensors } from './models.ts';

type Adam = (state: numpy.Array[][], gradients: numpy.Array[], corrections: numpy.Array[]) => numpy.Array[][];

/** Adam as optax writes it, one jitted function over the whole model; every step waits for its result. */
export const jaxJsAdam = (shapes: Shapes): Entry => ({ name: 'jax-js Adam', make: () => jaxJsAdamOn('wasm', shapes) });

export async function jaxJsAdamOn(device: 'wasm' | 'webgpu', shapes: Shapes): Promise<Contender> {
  const { blockUntilReady, defaultDevice, jit, numpy: np } = await load(device);
  const [beta1, beta2, rate] = [0.9, 0.999, 1e-3];
  // Every operation consumes what it is given.
  const update: Adam = (state, gradients, [first, second]) => {
    if (first === undefined || second === undefined) throw new Error('two corrections are needed');
    const next = state.map(([p, m, v], i) => {
      const g = gradients[i];
      if (p === undefined || m === undefined || v === undefined || g === undefined) throw new Error('p, m, v and a gradient are needed');
      const m1 = m.mul(beta1).add(g.ref.mul(1 - beta1));
      const v1 = v.mul(beta2).add(np.square(g).mul(1 - beta2));
      const direction = m1.ref.mul(first.ref).div(np.sqrt(v1.ref.mul(second.ref)).add(1e-8));
      return [p.sub(direction.mul(rate)), m1, v1];
    });
    first.dispose();
    second.dispose();
    return next;
  };
  const step = jit(update);
  const [initial, given] = [tensors(shapes, 0), tensors(shapes, 1)];
  const array = (data: Float32Array | undefined, shape: readonly number[]): numpy.Array =>
    np.array(new Float32Array(data ?? []), { shape: [...shape] });
  let state = Object.entries(shapes).map(([name, shape]) => [array(initial[name], shape), np.zeros([...shape]), np.zeros([...shape])]);
  const gradients = Object.entries(shapes).map(([name, shape]) => array(given[name], shape));
  let count = 0;
  const correction = (beta: number): numpy.Array => np.array(1 / (1 - beta ** count));
  return looped(
    async () => {
      defaultDevice(device);
      count++;
      state = step(
        state,
        gradients.map((gradient) => gradient.ref),
        [correction(beta1), correction(beta2)],
      );
      await blockUntilReady(state);
    },
    () => {
      for (const one of [...state.flat(), ...gradients]) one.dispose();
      step.dispose();
    },
  );
}

async function load(device: 'wasm' | 'webgpu'): Promise<typeof import('@jax-js/jax')> {
  try {
    // It asks navigator for the number of cores; Node 20 has no navigator yet.
    if (!('navigator' in globalThis)) {
      Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: 1 }, configurable: true });
    }
    const jax = await import('@jax-js/jax');
    if (!(await jax.init(device)).includes(device)) throw new Error(`no device '${device}'`);
    jax.defaultDevice(device);
    return jax;
  } catch (error) {
    throw new MissingPeer(`jax-js: ${error instanceof Error ? error.message : String(error)}`);
  }
}
