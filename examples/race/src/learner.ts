import { type Backend, createOptimizer, type Transform } from '@opt/core';
import { type ParameterValues, parameterShapes } from './model.ts';

/** What one step did to the whole model. */
export interface Measure {
  readonly step: number;
  /** ‖g‖₂ of the gradient. */
  readonly gradientNorm: number;
  /** ‖Δp‖/‖p‖ of the parameters. */
  readonly updateRatio: number;
}

/** Steps from one that is measured to the next: what that costs is below 3 % of a step. */
export const measureEvery = 50;

/** One optimizer at work on its own copy of the parameters. */
export interface Learner {
  /** Current values; they may change with the next step. */
  parameters(): Promise<ParameterValues>;
  step(gradients: Readonly<Record<string, Float32Array>>): Promise<void>;
  /** The step that was measured last; undefined before the first. Left out by who does not measure. */
  measured?(): Promise<Measure | undefined>;
  dispose(): void;
}

/** The given rule on the given backend, starting from a copy of the initial parameters; the backend goes with the learner. */
export const learner = async (transform: Transform, backend: Backend, initial: ParameterValues): Promise<Learner> => {
  const parameters = Object.fromEntries(parameterShapes.map(({ name, shape }) => [name, { shape, data: initial[name] ?? [] }]));
  const optimizer = await createOptimizer({ transform, parameters, backend, metrics: { every: measureEvery } });
  return {
    async parameters() {
      return Object.fromEntries(await Promise.all(parameterShapes.map(async ({ name }) => [name, await optimizer.parameters[name]])));
    },
    async step(gradients) {
      await optimizer.step(gradients);
    },
    async measured() {
      const { measured: step, gradient, ratio } = await optimizer.metrics();
      return step === undefined || gradient === undefined || ratio === undefined
        ? undefined
        : { step, gradientNorm: gradient, updateRatio: ratio };
    },
    dispose() {
      optimizer.dispose();
      backend.dispose();
    },
  };
};
