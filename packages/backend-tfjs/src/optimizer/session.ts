import type { About, Floats, LoadOptions, LoadReport, MaybePromise, Metrics, MetricsOptions, Scalar, Transform } from '@opt/core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { SavedParameter } from './saved-state.ts';

/** A parameter of a session; one of a loaded state may not have met its variable yet. */
export interface SessionParameter extends Omit<SavedParameter, 'last'> {
  readonly variable: Variable | undefined;
  /** The last step it had a gradient in. */
  last: number;
}

/** What every session is made from. */
export interface SessionOptions {
  readonly transform: Transform;
  readonly seed: number;
  readonly metrics: boolean | MetricsOptions;
}

/** What transforms are told about parameters: kernels of tfjs have rows for inputs, unless their model says otherwise. */
export const aboutOf = (parameters: readonly SessionParameter[]): Record<string, About> =>
  Object.fromEntries(parameters.map(({ key, role, layout = 'in-out' }) => [key, { layout, role }]));

/** What may have changed since a state was saved: variables come and go. */
export const changes: LoadOptions = { newcomers: 'fresh', leavers: 'drop' };

/** An optimizer of core over tfjs variables, wherever its mathematics runs. */
export interface Session {
  /** One step; a parameter without a gradient is left alone. */
  step(gradients: ReadonlyMap<string, Tensor>): void;
  set(address: string, value: Scalar): void;
  readonly hyperparameters: Readonly<Record<string, Scalar>>;
  save(): MaybePromise<Uint8Array>;
  /** Takes over a state, which may know other parameters. The variables stay as they are. */
  load(file: Uint8Array): LoadReport;
  finalize(): void;
  /** What the model is to be judged with, by key, copied. */
  judged(): MaybePromise<ReadonlyMap<string, Floats>>;
  metrics(): MaybePromise<Metrics>;
  readonly skippedSteps: MaybePromise<number>;
  dispose(): void;
}

/** The variable of a parameter that is stepped. */
export function variableOf({ key, variable }: SessionParameter): Variable {
  if (variable === undefined) throw new RangeError(`parameter '${key}' has no variable yet`);
  return variable;
}
