import { type Backend, createOptimizer, type Floats, type Scalar, size } from '@opt/core';
import { type DataId, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { copyIn, copyOut } from './host-memory.ts';
import { type Session, type SessionParameter, variableOf } from './session.ts';

interface Held {
  readonly parameter: SessionParameter;
  /** The variable's data as this session last left it: another id means that somebody else has assigned to it. */
  seen: DataId | undefined;
}

/** A backend in host memory, whatever its buffers are. */
export type HostBackend = Backend<'sync', 'sync'>;

/**
 * The mathematics on a backend in host memory: gradients are copied in, parameters copied out, everything else stays there.
 */
export function hostSession(
  options: { readonly transform: Parameters<typeof createOptimizer>[0]['transform']; readonly seed: number },
  parameters: readonly SessionParameter[],
  backend: HostBackend,
): Session {
  const held = new Map<string, Held>(parameters.map((parameter) => [parameter.key, { parameter, seen: parameter.variable?.dataId }]));
  const optimizer = createOptimizer<string, never, unknown>({
    ...options,
    backend,
    parameters: Object.fromEntries(
      parameters.map(({ key, shape, variable }) => [key, { shape, data: variable?.dataSync() ?? new Float32Array(size(shape)) }]),
    ),
  });

  /** Parameters that were assigned to from outside are read again. */
  function refresh(one: Held, into: Floats | undefined): void {
    const { variable } = one.parameter;
    if (variable === undefined || variable.dataId === one.seen) return;
    if (into !== undefined) copyOut(variable, into);
    one.seen = variable.dataId;
  }

  function publish(one: Held): void {
    const variable = variableOf(one.parameter);
    const data = optimizer.parameters[one.parameter.key];
    if (data === undefined) return;
    tidy(() => variable.assign(copyIn(data, variable.shape)));
    one.seen = variable.dataId;
  }

  const refreshAll = (): void => {
    for (const one of held.values()) refresh(one, optimizer.parameters[one.parameter.key]);
  };

  return {
    step(gradients: ReadonlyMap<string, Tensor>) {
      refreshAll();
      const views: Record<string, Floats> = {};
      for (const [key, gradient] of gradients) {
        // A view of the backend's own memory: `step` then has nothing left to copy.
        const view = optimizer.gradients[key];
        if (view === undefined) continue;
        copyOut(gradient, view);
        views[key] = view;
      }
      optimizer.step(views);
      for (const key of gradients.keys()) {
        const one = held.get(key);
        if (one !== undefined) publish(one);
      }
    },
    set: (address: string, value: Scalar) => optimizer.set(address, value),
    save() {
      refreshAll();
      return optimizer.save();
    },
    load(file) {
      const report = optimizer.load(file);
      for (const one of held.values()) one.seen = undefined;
      refreshAll();
      return report;
    },
    finalize() {
      refreshAll();
      optimizer.finalize();
      for (const one of held.values()) if (one.parameter.variable !== undefined) publish(one);
    },
    get skippedSteps() {
      return optimizer.skippedSteps;
    },
    dispose: () => optimizer.dispose(),
  };
}
