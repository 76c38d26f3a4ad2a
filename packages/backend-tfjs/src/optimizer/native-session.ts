import { BackendError, createOptimizer, isPromise, type MaybePromise, type Mode, size, type Transform } from '@opt/core';
import { clone, type Tensor } from '@tensorflow/tfjs-core';
import type { TfjsBuffer } from '../buffers.ts';
import { shared, type TfjsBackend, type TfjsNative } from '../tfjs.ts';
import type { Session, SessionParameter } from './session.ts';

const now = <T>(value: MaybePromise<T>): T => {
  if (isPromise(value)) throw new BackendError('toTfjsOptimizer: a step must be synchronous');
  return value;
};

/** The mathematics in operations of tfjs: variables are moved where they are, nothing is copied. */
export function nativeSession(
  options: { readonly transform: Transform; readonly seed: number },
  parameters: readonly SessionParameter[],
  backend: TfjsBackend<'sync', Mode>,
): Session {
  const optimizer = now(
    createOptimizer<string, TfjsNative, TfjsBuffer>({
      ...options,
      backend,
      parameters: Object.fromEntries(
        parameters.map(({ key, shape, variable }) => [
          key,
          variable === undefined ? { shape, data: new Float32Array(size(shape)) } : shared(variable),
        ]),
      ),
    }),
  );
  return {
    step: (gradients: ReadonlyMap<string, Tensor>) => now(optimizer.step(Object.fromEntries(gradients))),
    set: (address, value) => optimizer.set(address, value),
    save: () => optimizer.save(),
    load(file) {
      const before = parameters.map(({ variable }) => variable && clone(variable));
      try {
        now(optimizer.load(file, { newcomers: 'fresh' }));
      } finally {
        parameters.forEach(({ variable }, i) => {
          const value = before[i];
          if (variable === undefined || value === undefined) return;
          variable.assign(value);
          value.dispose();
        });
      }
    },
    finalize: () => now(optimizer.finalize()),
    get skippedSteps() {
      return optimizer.skippedSteps;
    },
    dispose: () => optimizer.dispose(),
  };
}
