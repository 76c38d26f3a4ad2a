import type { Backend, Floats, FloatsOf, MaybePromise, Mode, Precision, Result } from '../backend.ts';
import type { Gradients, Objective } from '../objective/objective.ts';
import type { Scalar } from '../options/hyper.ts';
import type { Shape } from '../program/shape.ts';
import type { About, Transform } from '../transform/transform.ts';
import type { LoadOptions, LoadReport } from './checkpoint/load-options.ts';
import type { Explanation } from './explain.ts';
import type { Narrowed } from './memory/narrowed.ts';
import type { Draws } from './memory/randomness.ts';
import type { Metrics, MetricsOptions } from './metrics.ts';

/** Where a parameter starts: row-major values with a shape, or something the backend can adopt. */
export type ParameterSource<Native> = { readonly shape: Shape; readonly data: ArrayLike<number> } | Native;

export interface OptimizerOptions<
  N extends string,
  Run extends Mode,
  Read extends Mode,
  Native,
  Buffer,
  Working extends Precision = Precision,
> {
  /** A rule, or any transform that moves parameters. */
  readonly transform: Transform;
  /** By name; the order is that of joined state. */
  readonly parameters: Readonly<Record<N, ParameterSource<NoInfer<Native>>>>;
  readonly backend: Backend<Run, Read, Native, Buffer, Working>;
  /** What a model knows of its parameters and shapes do not tell, by name: for transforms that ask, such as `muon`. */
  readonly about?: Readonly<Partial<Record<NoInfer<N>, About>>>;
  /** What `optimizer.metrics()` tells, measured by the steps themselves; true: everything, in every 100th step. Default false: nothing. */
  readonly metrics?: boolean | MetricsOptions;
  /**
   * How state is held between steps, default in working precision: 'bf16' (2 bytes), or 'f16' and 'int8' in blocks of 256 (2 and 1), all slots
   * that move with a basis, or by kind: `{ vector: 'int8', diagonal: 'int8', matrix: 'bf16', symmetric: 'int8' }`. Steps compute in working
   * precision all the same; what they write is rounded up or down at random, by `seed`. Symmetric matrices then hold one of their two halves.
   * Kind 'invariant' (averages of weights, sums of gradients) only where it is named. @throws OptionRangeError on a backend without such codes
   */
  readonly stateDtype?: Narrowed;
  /** Of all random draws; default 0. Same seed, same bits, on the same backend. */
  readonly seed?: number;
  /** Random numbers from outside, in place of the seed's: for replays and tests. */
  readonly draws?: Draws;
}

/** Parameters that one rule moves, and its live hyperparameters. */
export interface Group<N extends string = string> {
  /** Where the rule stands: the label of a `partition`, with the path of what is around it in front, such as `backbone/hidden`. '' where nothing divides. */
  readonly path: string;
  readonly parameters: readonly N[];
  /** By address, as `set` takes it. What stages outside of the partition hold is in none. */
  readonly hyperparameters: Readonly<Record<string, Scalar>>;
}

/** Parameters, their optimizer state, and the programs that move them, on one backend. */
export interface Optimizer<
  N extends string = string,
  Run extends Mode = Mode,
  Read extends Mode = Mode,
  Native = never,
  Working extends Precision = Precision,
> {
  /**
   * One step. A parameter whose gradient is left out, null or undefined is left alone. Gradients are read before `step`
   * returns; nothing has changed if it throws, except on `StepInterrupted`. An objective is asked for what this step needs.
   */
  step(gradients: Gradients<N, Native>): Result<Run, void>;
  step(objective: Objective<N, 'sync', Native>): Run extends 'sync' ? Result<Read, void> : Promise<void>;
  step(objective: Objective<N, Mode, Native>): MaybePromise<void>;
  /** Current values; on a backend in host memory, live views. */
  readonly parameters: { readonly [K in N]: Result<Read, FloatsOf<Working>> };
  /**
   * What the model is to be judged with: an average of the weights where a stage keeps one, else the parameters themselves. Looking
   * changes nothing. Every `optimizer.evaluation` computes it anew, for all parameters, into the same buffers: keep it to read several.
   */
  readonly evaluation: { readonly [K in N]: Run extends 'sync' ? Result<Read, FloatsOf<Working>> : Promise<FloatsOf<Working>> };
  /** The buffers gradients are read from; on a backend in host memory, views that a caller may fill itself and hand to `step`. */
  readonly gradients: { readonly [K in N]: Result<Read, FloatsOf<Working>> };
  /** State by key, such as `soap/adam.m:layer.weight`; of what is held narrow or packed, a copy in f32. */
  readonly state: Readonly<Record<string, Result<Read, Floats>>>;
  /** Which parameters go to which rule of a `partition`, one in a partition included, with the hyperparameters they have now; one group where nothing divides. */
  readonly groups: readonly Group<N>[];
  /** Live hyperparameters as they are now, by address. */
  readonly hyperparameters: Readonly<Record<string, Scalar>>;
  /**
   * What the last measured step did: norms of gradients, updates and parameters, their ratio, clip factors; and live hyperparameters as numbers.
   * Nothing is computed for it and no step waits for it. A dropped call changes nothing but `skipped`; `load` forgets; no checkpoint holds it.
   * @throws OptionTypeError unless `createOptimizer` was given `metrics`
   */
  metrics(): Result<Read, Metrics<N>>;
  /** Of what `save` holds beside parameters; what deferred computations read and write meanwhile comes on top. */
  readonly stateBytes: number;
  /** Calls dropped because of a gradient that was not finite. */
  readonly skippedSteps: Result<Read, number>;
  /** Compiled programs held at present. */
  readonly programs: number;
  /** Changes a live hyperparameter by name, with a label in front where several share the name: `set('matrices/learningRate', 1e-3)`. */
  set(address: string, value: Scalar): void;
  /** Everything needed to go on bit for bit, as a safetensors file; deferred computations under way are not waited for, and not in it. */
  save(): Result<Read, Uint8Array>;
  /** The same file in pieces, in order, for who writes them away at once: a piece may change as soon as `write` returns. */
  saveTo(write: (piece: Uint8Array) => void): Result<Read, void>;
  /**
   * Takes over a saved state, hyperparameters that are numbers here and there included; schedules stay. What differs is refused unless
   * an option allows it, and reported. A `CheckpointError` has changed nothing.
   */
  load(file: Uint8Array | ArrayBuffer, options?: LoadOptions): Result<Run, LoadReport>;
  /**
   * Closes windows of accumulated gradients that are not full, with the mean of the gradients they hold, such as at the end of an epoch. Gives
   * whether anything was applied: not where no window holds a gradient. Counts as a step, not as a call.
   */
  flush(): Result<Run, boolean>;
  /**
   * Takes in more parameters, as `createOptimizer` takes them: their state starts anew, everything else goes on where it is. Gives this same
   * optimizer, which knows their names. Read `parameters`, `gradients` and `state` of it again. On failure nothing has changed.
   */
  add<M extends string>(
    parameters: Readonly<Record<M, ParameterSource<Native>>>,
    about?: Readonly<Partial<Record<NoInfer<M>, About>>>,
  ): Run extends 'sync'
    ? Result<Read, Optimizer<N | M, Run, Read, Native, Working>>
    : Promise<Optimizer<N | M, Run, Read, Native, Working>>;
  /** Lets parameters go, with their state; at least one stays. What was adopted from elsewhere stays where it is. */
  remove<M extends N>(
    ...names: readonly M[]
  ): Run extends 'sync'
    ? Result<Read, Optimizer<Exclude<N, M>, Run, Read, Native, Working>>
    : Promise<Optimizer<Exclude<N, M>, Run, Read, Native, Working>>;
  /** Ends training: an averaged model takes its average. */
  finalize(): Result<Run, void>;
  /**
   * Resolves when no deferred computation (`Backend.deferral`) is under way any more: the next step is given the results, or throws a
   * `BackendError` if one failed. At once where nothing is deferred.
   */
  settled(): Promise<void>;
  /** The programs of the first calls (default 1000) with their cost, nothing deferred; `toString()` prints them. */
  explain(calls?: number): Explanation;
  /** Frees every buffer and program. The backend stays. */
  dispose(): void;
}
