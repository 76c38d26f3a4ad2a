import type { MaybePromise, Scalar, Shape } from '@opt/core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';

/** A parameter of a session; one of a loaded state may not have met its variable yet. */
export interface SessionParameter {
  readonly key: string;
  readonly shape: Shape;
  variable: Variable | undefined;
}

/** An optimizer of core over tfjs variables, wherever its mathematics runs. */
export interface Session {
  /** One step; a parameter without a gradient is left alone. */
  step(gradients: ReadonlyMap<string, Tensor>): void;
  set(address: string, value: Scalar): void;
  save(): MaybePromise<Uint8Array>;
  /** Takes over a state, which may know fewer parameters. The variables stay as they are. */
  load(file: Uint8Array): void;
  finalize(): void;
  readonly skippedSteps: MaybePromise<number>;
  dispose(): void;
}

/** The variable of a parameter that is stepped. */
export function variableOf({ key, variable }: SessionParameter): Variable {
  if (variable === undefined) throw new RangeError(`parameter '${key}' has no variable yet`);
  return variable;
}
