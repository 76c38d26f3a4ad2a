import { type Backend, createOptimizer, type Transform } from '@opt/core';
import { type ParameterValues, parameterShapes } from './model.ts';

/** One optimizer at work on its own copy of the parameters. */
export interface Learner {
  /** Current values; they may change with the next step. */
  parameters(): Promise<ParameterValues>;
  step(gradients: Readonly<Record<string, Float32Array>>): Promise<void>;
  dispose(): void;
}

/** The given rule on the given backend, starting from a copy of the initial parameters; the backend goes with the learner. */
export const learner = async (transform: Transform, backend: Backend, initial: ParameterValues): Promise<Learner> => {
  const parameters = Object.fromEntries(parameterShapes.map(({ name, shape }) => [name, { shape, data: initial[name] ?? [] }]));
  const optimizer = await createOptimizer({ transform, parameters, backend });
  return {
    async parameters() {
      return Object.fromEntries(await Promise.all(parameterShapes.map(async ({ name }) => [name, await optimizer.parameters[name]])));
    },
    async step(gradients) {
      await optimizer.step(gradients);
    },
    dispose() {
      optimizer.dispose();
      backend.dispose();
    },
  };
};
