import {
  type Backend,
  chain,
  createOptimizer,
  type Mode,
  OptError,
  perTensor,
  type Rule,
  type Shape,
  type Tensor,
  type Transform,
} from '@opt/core';
import type { GoldenStep } from '../golden-case.ts';
import type { GoldenTensor } from '../golden-tensor.ts';

/** Hyperparameters as JSON has them. */
export type Hyperparameters = Readonly<Record<string, unknown>>;
export type AnyBackend = Backend<Mode, Mode, never, unknown>;
export type Inputs = Readonly<Record<string, GoldenTensor>>;
export type Outputs = Readonly<Record<string, ArrayLike<number>>>;

/** A building block made ready: one call after the other, sharing state. */
export type Replay = (inputs: Inputs) => Promise<Outputs>;
/** `all` are the inputs of every call, for what their shapes have in common. */
export type MakeReplay = (hyperparameters: Hyperparameters, backend: AnyBackend, first: Inputs, all: readonly Inputs[]) => Promise<Replay>;
/** `steps` are those of the run: for what it tells by when it happens. */
export type MakeOptimizer = (hyperparameters: Hyperparameters, steps?: readonly GoldenStep[]) => Rule;

/** A number about a parameter of an optimizer, which `bounds` of a case may limit; undefined where it does not apply. */
export type MakeMeasure = (
  optimizer: string,
  hyperparameters: Hyperparameters,
  parameter: string,
  shape: Shape,
) => ((value: Tensor) => Tensor) | undefined;

/** What recorded runs of one family of optimizers can name. */
export interface Family {
  readonly optimizers: Readonly<Record<string, MakeOptimizer>>;
  readonly components: Readonly<Record<string, MakeReplay>>;
  readonly measures?: Readonly<Record<string, MakeMeasure>>;
}

/** JSON has no Infinity: it is written as a string. */
export const numbersOf = (options: Hyperparameters): Hyperparameters =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [name, value === 'Infinity' ? Number.POSITIVE_INFINITY : value]));

export const shapesOf = (inputs: Inputs): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));

export const missingInput = (inputs: Inputs): OptError =>
  new OptError('transform', `the call lacks an input, it has ${Object.keys(inputs).join(', ')}`);

/** A direction on its own: what comes out for what goes in, under the same names. */
export async function replayDirection(direction: Transform, backend: AnyBackend, first: Inputs): Promise<Replay> {
  const parameters = Object.fromEntries(Object.entries(first).map(([name, { shape, data }]) => [name, { shape, data: data.map(() => 0) }]));
  const optimizer = await createOptimizer({ transform: chain(direction, assign), parameters, backend });
  return async (inputs) => {
    await optimizer.step(Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data])));
    const results = await Promise.all(
      Object.keys(inputs).map(async (name) => [name, Array.from((await optimizer.parameters[name]) ?? [])] as const),
    );
    return Object.fromEntries(results);
  };
}

/** p ← u: makes a direction readable as a parameter. */
const assign: Transform = perTensor({ name: 'assign', apply: ({ update }) => ({ parameter: update }) });
