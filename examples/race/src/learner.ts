import type { ParameterValues } from './model.ts';

/** One optimizer at work on its own copy of the parameters. */
export interface Learner {
  parameters(): Promise<ParameterValues>;
  step(gradients: Record<string, Float32Array>): Promise<void>;
  dispose(): void;
}
