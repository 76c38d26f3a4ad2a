import { wasm } from '@opt/backend-wasm';
import {
  advice,
  fixed,
  type MetricsOptions,
  type Mode,
  message,
  metricsOption,
  type Option,
  OptionTypeError,
  requiredStage,
  resolve,
  type Transform,
} from '@opt/core';
import { getBackend, serialization } from '@tensorflow/tfjs-core';
import { type TfjsBackend, tfjs, tfjsDevice } from '../tfjs.ts';
import type { DeviceBackend } from './device-session.ts';
import type { HostBackend } from './host-session.ts';
import type { LayersOfModel } from './layer-roles.ts';

/** Where the mathematics of a `tf.Optimizer` can run. */
export type Compute = HostBackend | DeviceBackend | TfjsBackend<'sync', Mode>;

export interface TfjsOptimizerOptions {
  /**
   * Where the optimizer's mathematics runs: a backend in host memory such as `wasm()`, to which gradients are copied; one on tfjs's
   * own GPU, `webgpu({ device: gpuDevice() })`, which moves the variables where they are; or one of this package, in operations of tfjs.
   * Left out: `wasm()` where tfjs is on cpu or wasm, `tfjsDevice()` on webgpu, else `tfjs()`.
   */
  readonly compute?: Compute;
  /** What `optimizer.metrics()` tells, as for `createOptimizer`: true, or `{ norms, every }`; default false: nothing is measured. */
  readonly metrics?: boolean | MetricsOptions;
  /** Of all random draws, an integer in [0, 2³²); default 0. */
  readonly seed?: number;
  /**
   * The layers model that is trained, several, or a function that gives them once there are variables: their layers say which matrices are
   * hidden, embeddings and heads, for transforms that ask (`muon`). Saved with the state.
   */
  readonly model?: LayersOfModel | readonly LayersOfModel[] | (() => LayersOfModel | readonly LayersOfModel[]);
  /** The name under which a saved model finds its optimizer again: letters and digits, of one's own; default `OptTransform`. */
  readonly className?: string;
}

/** Options after reading. */
export interface Chosen {
  readonly transform: Transform;
  readonly compute: Compute | undefined;
  readonly seed: number;
  readonly metrics: boolean | MetricsOptions;
  readonly models: () => readonly LayersOfModel[];
  readonly className: string;
}

/** @throws OptionTypeError · OptionRangeError, naming the option and what it must be */
export function readOptions(isOurs: (cls: unknown) => boolean, transform: unknown, options: TfjsOptimizerOptions): Chosen {
  const { model, ...rest } = resolve('toTfjsOptimizer', options, {
    compute,
    seed: fixed(0, { rule: 'an integer in [0, 2^32)', holds: (x) => Number.isInteger(x) && x >= 0 && x < 2 ** 32 }),
    model: models,
    className: className(isOurs),
    metrics: (value, rule, option) => metricsOption(value, rule, option) ?? false,
  });
  return { transform: requiredStage(transform, 'toTfjsOptimizer', 'transform'), models: model, ...rest };
}

/** Where the mathematics runs if no option says it. */
export function defaultCompute(): Compute {
  const on = getBackend();
  if (on === 'webgpu') return tfjsDevice();
  return on === 'cpu' || on === 'wasm' ? wasm() : tfjs();
}

const compute: Option<Compute | undefined> = (value, rule, option) => {
  if (value === undefined) return undefined;
  if (isCompute(value)) return value;
  const wanted = "a backend whose steps are synchronous, such as wasm() or tfjs(), or left out; 'await' what comes as a promise";
  throw new OptionTypeError(`${message(rule, option, wanted, value)}${advice(value)}`);
};

const isCompute = (value: unknown): value is Compute =>
  typeof value === 'object' &&
  value !== null &&
  'compile' in value &&
  typeof value.compile === 'function' &&
  'create' in value &&
  'run' in value &&
  value.run === 'sync';

const isModel = (value: unknown): value is LayersOfModel =>
  typeof value === 'object' && value !== null && 'layers' in value && Array.isArray(value.layers) && 'outputs' in value;

const models: Option<() => readonly LayersOfModel[]> = (value, rule, option) => {
  const list = (given: unknown): readonly LayersOfModel[] => {
    const all: readonly unknown[] = Array.isArray(given) ? given : [given];
    return all.map((one) => {
      if (!isModel(one))
        throw new OptionTypeError(message(rule, option, 'a layers model, an array of them, or a function giving them', one));
      return one;
    });
  };
  if (value === undefined) return () => [];
  if (typeof value === 'function') return () => list(value());
  const given = list(value);
  return () => given;
};

/** Of tfjs-core, which registers them late. */
const optimizersOfTfjs: readonly string[] = ['Adadelta', 'Adagrad', 'Adam', 'Adamax', 'Momentum', 'RMSProp', 'SGD'];

/** A name that comes back as it was when a saved model is loaded, and takes no other class's place. */
const className =
  (isOurs: (cls: unknown) => boolean): Option<string> =>
  (value = 'OptTransform', rule, option) => {
    const wanted = "a name of letters and digits, such as 'MySoap', that no class of tfjs or of yours has";
    if (typeof value !== 'string' || !/^[A-Za-z][A-Za-z0-9]*$/.test(value)) throw new OptionTypeError(message(rule, option, wanted, value));
    const { classNameMap } = serialization.SerializationMap.getMap();
    const [taken] = Object.hasOwn(classNameMap, value) ? (classNameMap[value] ?? []) : [];
    const free = taken === undefined ? !optimizersOfTfjs.includes(value) && !(value in classNameMap) : isOurs(taken);
    if (!free) throw new OptionTypeError(message(rule, option, wanted, value));
    return value;
  };
