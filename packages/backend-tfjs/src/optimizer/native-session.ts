import { BackendError, createOptimizer, isPromise, type MaybePromise, type Mode, size } from '@opt/core';
import { clone, type Tensor } from '@tensorflow/tfjs-core';
import type { TfjsBuffer } from '../buffers.ts';
import { SharedVariable, type TfjsBackend, type TfjsNative } from '../tfjs.ts';
import { judged } from './evaluating.ts';
import { aboutOf, changes, type Session, type SessionOptions, type SessionParameter } from './session.ts';

const now = <T>(value: MaybePromise<T>): T => {
  if (isPromise(value)) throw new BackendError('toTfjsOptimizer: a step must be synchronous');
  return value;
};

/** The mathematics in operations of tfjs: variables are moved where they are, nothing is copied. */
export function nativeSession(
  options: SessionOptions,
  parameters: readonly SessionParameter[],
  backend: TfjsBackend<'sync', Mode>,
): Session {
  const optimizer = now(
    createOptimizer<string, TfjsNative, TfjsBuffer>({
      ...options,
      backend,
      about: aboutOf(parameters),
      parameters: Object.fromEntries(
        parameters.map(({ key, shape, variable }) => [
          key,
          variable === undefined ? { shape, data: new Float32Array(size(shape)) } : new SharedVariable(variable, true),
        ]),
      ),
    }),
  );
  return {
    step: (gradients: ReadonlyMap<string, Tensor>) => now(optimizer.step(Object.fromEntries(gradients))),
    set: (address, value) => optimizer.set(address, value),
    get hyperparameters() {
      return optimizer.hyperparameters;
    },
    save: () => optimizer.save(),
    load(file) {
      const before = parameters.map(({ variable }) => variable && clone(variable));
      try {
        return now(optimizer.load(file, changes));
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
    judged: () => judged(optimizer),
    metrics: () => optimizer.metrics(),
    get skippedSteps() {
      return optimizer.skippedSteps;
    },
    dispose: () => optimizer.dispose(),
  };
}
