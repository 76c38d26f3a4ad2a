import { type Backend, createOptimizer, type Floats, record, type Scalar, size } from '@opt/core';
import type { DataId, Tensor, Variable } from '@tensorflow/tfjs-core';
import { judged } from './evaluating.ts';
import { copyIn, copyOut } from './host-memory.ts';
import { aboutOf, changes, type Session, type SessionOptions, type SessionParameter, variableOf } from './session.ts';

/**
 * The parameter that last read or wrote each variable's data, and so holds the same numbers. Data with none or another was assigned by
 * somebody else; its id alone does not tell, since two optimizers may write to the same data in turns.
 */
const holders = new WeakMap<DataId, SessionParameter>();

/** A backend in host memory, whatever its buffers are. */
export type HostBackend = Backend<'sync', 'sync'>;

/**
 * The mathematics on a backend in host memory: gradients are copied in, parameters copied out, everything else stays there.
 */
export function hostSession(options: SessionOptions, parameters: readonly SessionParameter[], backend: HostBackend): Session {
  const optimizer = createOptimizer<string, never, unknown>({
    ...options,
    backend,
    about: aboutOf(parameters),
    parameters: Object.fromEntries(
      parameters.map(({ key, shape, variable }) => [key, { shape, data: variable?.dataSync() ?? new Float32Array(size(shape)) }]),
    ),
  });

  const byKey = new Map(parameters.map((parameter) => [parameter.key, parameter]));
  for (const parameter of parameters) if (parameter.variable !== undefined) holders.set(parameter.variable.dataId, parameter);

  function read(parameter: SessionParameter, variable: Variable): void {
    const into = optimizer.parameters[parameter.key];
    if (into !== undefined) copyOut(variable, into);
    holders.set(variable.dataId, parameter);
  }

  /** Parameters whose variable was assigned to from outside are read again. */
  function refresh(): void {
    for (const parameter of parameters) {
      const { variable } = parameter;
      if (variable !== undefined && holders.get(variable.dataId) !== parameter) read(parameter, variable);
    }
  }

  function publish(parameter: SessionParameter): void {
    const variable = variableOf(parameter);
    const data = optimizer.parameters[parameter.key];
    if (data === undefined) return;
    copyIn(data, variable);
    holders.set(variable.dataId, parameter);
  }

  return {
    step(gradients: ReadonlyMap<string, Tensor>) {
      refresh();
      const views = record<Floats>();
      for (const [key, gradient] of gradients) {
        // A view of the backend's own memory: `step` then has nothing left to copy.
        const view = optimizer.gradients[key];
        if (view === undefined) continue;
        copyOut(gradient, view);
        views[key] = view;
      }
      optimizer.step(views);
      for (const key of gradients.keys()) {
        const parameter = byKey.get(key);
        if (parameter !== undefined) publish(parameter);
      }
    },
    set: (address: string, value: Scalar) => optimizer.set(address, value),
    get hyperparameters() {
      return optimizer.hyperparameters;
    },
    save() {
      refresh();
      return optimizer.save();
    },
    load(file) {
      const report = optimizer.load(file, changes);
      for (const parameter of parameters) if (parameter.variable !== undefined) read(parameter, parameter.variable);
      return report;
    },
    finalize() {
      refresh();
      optimizer.finalize();
      for (const parameter of parameters) if (parameter.variable?.isDisposed === false) publish(parameter);
    },
    judged() {
      refresh();
      return judged(optimizer);
    },
    metrics: () => optimizer.metrics(),
    get skippedSteps() {
      return optimizer.skippedSteps;
    },
    dispose: () => optimizer.dispose(),
  };
}
