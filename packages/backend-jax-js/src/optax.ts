import { jit, type OwnedFunction, tree } from '@jax-js/jax';
import {
  createOptimizer,
  DisposedError,
  fixed,
  type LoadOptions,
  type LoadReport,
  type Metrics,
  type MetricsOptions,
  metricsOption,
  type Optimizer,
  printShape,
  requiredStage,
  resolve,
  type Scalar,
  ShapeError,
  sameShape,
  type Transform,
} from '@opt/core';
import { deviceOption, type JaxJsOptions, type JaxNative, jaxJs } from './backend.ts';
import { type JaxArray, upload } from './jax.ts';
import { type ArrayTree, namedLeaves } from './tree.ts';
import { type JaxVariable, variable } from './variable.ts';

export interface OptaxOptions extends JaxJsOptions {
  /** Of all random draws; default 0. */
  readonly seed?: number;
  /** What `state.metrics()` tells: true, or `{ norms, every }` as for `createOptimizer`; default false: nothing is measured. */
  readonly metrics?: boolean | MetricsOptions;
}

/** An optimizer as a pair of functions, in the manner of optax. */
export interface Optax {
  /** The state before the first step. Consumes `params`. */
  init(params: ArrayTree): OptaxState;
  /**
   * One step: what is to be added to `params`, and the state for the next step. Consumes all three arguments, as functions of jax-js
   * do: hand it `tree.ref(params)` to go on using them. A parameter that `grads` leaves out is not moved.
   *
   * @throws ShapeError where `grads` or `params` do not fit the state · DisposedError for a state that was used before; where it
   * throws, the state stays as it was
   */
  update<Params extends ArrayTree>(grads: ArrayTree, state: OptaxState, params: Params): [updates: Params, state: OptaxState];
  /**
   * What a model with `params` is to be judged with: an average where the transform keeps one, else `params` themselves. Consumes `params`, as
   * `update` does; the state stays and can be used again.
   *
   * @throws ShapeError where `params` do not fit the state
   */
  evaluation<Params extends ArrayTree>(state: OptaxState, params: Params): Params;
  /**
   * The state that `OptaxState.save` wrote, and what of it did not fit; `options` as for `Optimizer.load`. Consumes `params`.
   *
   * @throws CheckpointError for a file of other parameters or another transform, unless an option allows it
   */
  load(
    file: Uint8Array | ArrayBuffer,
    params: ArrayTree,
    options?: LoadOptions,
  ): { readonly state: OptaxState; readonly report: LoadReport };
}

/** An optimizer, and the variables it moves. */
interface Engine {
  readonly optimizer: Optimizer<string, 'sync', 'sync', JaxNative>;
  readonly variables: ReadonlyMap<string, JaxVariable>;
}

const engines = new WeakMap<OptaxState, Engine>();

function engineOf(state: OptaxState): Engine {
  const engine = engines.get(state);
  if (engine === undefined) throw new DisposedError('a state of toOptax (every state is used once)');
  return engine;
}

function stateOf(engine: Engine): OptaxState {
  const state = new OptaxState();
  engines.set(state, engine);
  return state;
}

/** What lies between two steps: opaque, used once, saved and loaded as a whole. */
export class OptaxState {
  /** Everything needed to go on, parameters included, as a safetensors file. Does not consume the state. */
  save(): Uint8Array {
    return engineOf(this).optimizer.save();
  }

  /** Changes a live hyperparameter: `state.set('learningRate', 1e-3)`. */
  set(address: string, value: Scalar): void {
    engineOf(this).optimizer.set(address, value);
  }

  /** Calls dropped because of a gradient that was not finite. */
  get skippedSteps(): number {
    return engineOf(this).optimizer.skippedSteps;
  }

  /**
   * What the last measured step did, by names as in files (`layers/0/weight`).
   * @throws OptionTypeError unless `toOptax` was given `metrics`
   */
  metrics(): Metrics {
    return engineOf(this).optimizer.metrics();
  }

  /** Frees everything: the end of training. */
  dispose(): void {
    const { optimizer, variables } = engineOf(this);
    engines.delete(this);
    optimizer.dispose();
    for (const held of variables.values()) held.dispose();
  }
}

/**
 * Any rule of these packages for a training loop that is written in jax-js:
 *
 *     const { init, update } = toOptax(soap({ learningRate: 3e-3 }));
 *     let state = init(tree.ref(params));
 *     [updates, state] = update(grads, state, tree.ref(params));
 *     params = applyUpdates(params, updates);
 */
export function toOptax(transform: Transform, options: OptaxOptions = {}): Optax {
  requiredStage(transform, 'toOptax', 'transform');
  const { seed, device, metrics } = resolve('toOptax', options, {
    seed: seedOption,
    device: deviceOption,
    metrics: (value, rule, option) => metricsOption(value, rule, option) ?? false,
  });
  const start = (params: ArrayTree): Engine => {
    const variables = new Map([...namedLeaves(params)].map(([name, array]) => [name, variable(array)]));
    const parameters = Object.fromEntries(variables);
    const optimizer = createOptimizer<string, JaxNative, JaxVariable>({ transform, parameters, backend: jaxJs({ device }), seed, metrics });
    return { optimizer, variables };
  };
  const init = (params: ArrayTree): OptaxState => stateOf(start(params));
  return {
    init,
    update(grads, state, params) {
      const engine = engineOf(state);
      const moved = step(engine, namedLeaves(grads), namedLeaves(params));
      engines.delete(state);
      return [rebuilt(params, moved), stateOf(engine)];
    },
    evaluation: (state, params) => rebuilt(params, judged(engineOf(state), namedLeaves(params))),
    load(file, params, options) {
      const state = init(params);
      try {
        return { state, report: engineOf(state).optimizer.load(file, options) };
      } catch (error) {
        state.dispose();
        throw error;
      }
    },
  };
}

const seedOption = fixed(0, { rule: 'an integer in [0, 2^32)', holds: (n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32 });

type Pairwise = OwnedFunction<(a: JaxArray[], b: JaxArray[]) => JaxArray[]>;
/** One compiled function over all leaves: one call instead of one for each. */
const pairwise = (f: (a: JaxArray, b: JaxArray) => JaxArray): Pairwise =>
  jit((a: JaxArray[], b: JaxArray[]) => a.flatMap((x, i) => (b[i] === undefined ? [] : [f(x, b[i])])));

const sums: Pairwise = pairwise((a, b) => a.add(b));
const differences: Pairwise = pairwise((a, b) => a.sub(b));

/** `params` with `leaves` in the place of its own, in their order. */
function rebuilt<Params extends ArrayTree>(params: Params, leaves: readonly JaxArray[]): Params {
  let at = 0;
  return tree.map((leaf: JaxArray) => leaves[at++] ?? leaf, params);
}

/** Adds updates to parameters, leaf by leaf. Consumes both. */
export const applyUpdates = <Params extends ArrayTree>(params: Params, updates: Params): Params =>
  rebuilt(params, sums([...namedLeaves(params).values()], [...namedLeaves(updates).values()]));

/** Moves the variables from `params` by one step; what each moved by, in the order of `params`. */
function step({ optimizer, variables }: Engine, grads: ReadonlyMap<string, JaxArray>, params: ReadonlyMap<string, JaxArray>): JaxArray[] {
  check('grads', grads, variables);
  checkWhole(params, variables);
  // The arrays themselves are handed on; a reference more keeps what they were for the difference.
  const before = [...params.values()].map((array) => array.ref);
  try {
    for (const [name, array] of params) variables.get(name)?.set(array);
    optimizer.step(Object.fromEntries(grads));
  } catch (error) {
    for (const array of before) array.dispose();
    throw error;
  }
  const after = [...params.keys()].flatMap((name) => variables.get(name)?.value.ref ?? []);
  return differences(after, before);
}

/** What the model is judged with, in the order of `params`, which the variables take over. */
function judged({ optimizer, variables }: Engine, params: ReadonlyMap<string, JaxArray>): JaxArray[] {
  checkWhole(params, variables);
  const places = [...params].map(([name, { device }]) => ({ name, device: device === 'cpu' ? ('cpu' as const) : ('wasm' as const) }));
  for (const [name, array] of params) variables.get(name)?.set(array);
  const now = optimizer.evaluation;
  return places.map(({ name, device }) => upload(now[name] ?? new Float32Array(0), variables.get(name)?.shape ?? [], device));
}

/** Params must be there, all of them. */
function checkWhole(params: ReadonlyMap<string, JaxArray>, variables: ReadonlyMap<string, JaxVariable>): void {
  check('params', params, variables);
  for (const name of variables.keys()) {
    if (!params.has(name)) throw new ShapeError(`toOptax: params must have an array '${name}', as they had at init`);
  }
}

function check(what: string, arrays: ReadonlyMap<string, JaxArray>, variables: ReadonlyMap<string, JaxVariable>): void {
  for (const [name, { shape }] of arrays) {
    const expected = variables.get(name)?.shape;
    if (expected === undefined)
      throw new ShapeError(
        `toOptax: ${what} has an array '${name}' that the state does not know, known are ${[...variables.keys()].join(', ')}`,
      );
    if (!sameShape(shape, expected))
      throw new ShapeError(`toOptax: ${what} '${name}' must have shape ${printShape(expected)}, received ${printShape(shape)}`);
  }
}
