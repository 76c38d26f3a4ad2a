import {
  BackendError,
  DisposedError,
  GradientError,
  isPromise,
  type MaybePromise,
  type Mode,
  type Scalar,
  size,
  type Transform,
} from '@opt/core';
import {
  dispose,
  engine,
  getBackend,
  type NamedTensorMap,
  Optimizer,
  type serialization,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { isTfjsBackend, type TfjsBackend, tfjs, tfjsDevice } from '../tfjs.ts';
import { identify } from './bindings.ts';
import { type Checkpoint, parameterKey, readCheckpoint, savedHypers, writeCheckpoint } from './checkpoint-file.ts';
import { declaredHypers } from './declared.ts';
import { type DeviceBackend, deviceSession } from './device-session.ts';
import { type HostBackend, hostSession } from './host-session.ts';
import { nativeSession } from './native-session.ts';
import type { Session, SessionParameter } from './session.ts';
import { fromWeights, type NamedTensor, toWeights } from './weights.ts';

export interface TfjsOptimizerOptions {
  /**
   * Where the optimizer's mathematics runs: a backend in host memory such as `wasm()`, to which gradients are copied; one on tfjs's
   * own GPU, `webgpu({ device: gpuDevice() })`, which moves the variables where they are; or one of this package. Left out:
   * `tfjs()`, and on webgpu `tfjsDevice()`.
   */
  readonly compute?: HostBackend | DeviceBackend | TfjsBackend<'sync', Mode>;
  /** Of all random draws; default 0. */
  readonly seed?: number;
}

/** A `tf.Optimizer` that runs a transform. */
export class TransformOptimizer extends Optimizer {
  private readonly transform: Transform;
  private readonly options: TfjsOptimizerOptions;
  private session: Session | undefined;
  private parameters: SessionParameter[] = [];
  /** Keys of parameters by the name their variable has now. */
  private readonly keys = new Map<string, string>();
  /** A loaded state that has not met its variables yet. */
  private pending: Checkpoint | undefined;
  /** Every hyperparameter as it is now. */
  private readonly hypers: Map<string, Scalar>;
  /** Those that differ from what the transform and a loaded state say. */
  private readonly changed = new Map<string, Scalar>();
  private weights: NamedTensor[] = [];
  private disposed = false;

  constructor(transform: Transform, options: TfjsOptimizerOptions, config: serialization.ConfigDict = {}) {
    super();
    this.transform = transform;
    this.options = options;
    this.hypers = declaredHypers(transform, {});
    for (const [address, value] of Object.entries(config)) if (typeof value === 'number') this.set(address, value);
  }

  /** One step. Gradients by variable name, or as a list; one that is missing or null leaves its variable alone. */
  override applyGradients(variableGradients: NamedTensorMap | NamedTensor[]): void {
    if (this.disposed) throw new DisposedError('applyGradients');
    const given: readonly (readonly [string, Tensor | null | undefined])[] = Array.isArray(variableGradients)
      ? variableGradients.map(({ name, tensor }) => [name, tensor])
      : Object.entries(variableGradients);
    const session = this.bind(given.map(([name]) => registered(name)));
    const gradients = new Map<string, Tensor>();
    for (const [name, gradient] of given) {
      const key = this.keys.get(name);
      if (gradient !== null && gradient !== undefined && key !== undefined) gradients.set(key, gradient);
    }
    session.step(gradients);
    this.incrementIterations();
  }

  /** Changes a live hyperparameter, also before the first step and while training: `set('learningRate', 1e-3)`. */
  set(address: string, value: Scalar): void {
    this.session?.set(address, value);
    this.hypers.set(address, value);
    this.changed.set(address, value);
  }

  /** The learning rate, where the transform has exactly one; a schedule if it was given as one. */
  get learningRate(): Scalar | undefined {
    return this.hypers.get('learningRate');
  }

  set learningRate(value: Scalar) {
    this.set('learningRate', value);
  }

  /** Steps dropped because of a gradient that was not finite; a promise on webgpu. */
  get skippedSteps(): MaybePromise<number> {
    return this.session?.skippedSteps ?? 0;
  }

  /** Ends training: an averaged model takes its average. */
  finalize(): void {
    this.session?.finalize();
  }

  /** Every hyperparameter that is a number; the rest of the state is in the weights. */
  override getConfig(): serialization.ConfigDict {
    return Object.fromEntries([...this.hypers].filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
  }

  /** The state as tensors. They are the optimizer's own, good until the next `getWeights`, `setWeights` or `dispose`. */
  override async getWeights(): Promise<NamedTensor[]> {
    const checkpoint = this.session === undefined ? this.pending : readCheckpoint(await this.session.save());
    this.releaseWeights();
    this.weights = toWeights(checkpoint, this.iterations);
    return this.weights;
  }

  /** Takes over a state; it finds its variables, by order and shape, at the next step. */
  override async setWeights(weightValues: NamedTensor[]): Promise<void> {
    const { iterations, checkpoint } = await fromWeights(weightValues);
    this.releaseWeights();
    this.forget();
    this.iterations_ = iterations;
    this.pending = checkpoint;
    for (const [address, value] of checkpoint === undefined ? [] : savedHypers(checkpoint)) {
      this.hypers.set(address, value);
      this.changed.delete(address);
    }
  }

  override dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.releaseWeights();
    this.forget();
    this.pending = undefined;
  }

  private releaseWeights(): void {
    dispose(this.weights.map(({ tensor }) => tensor));
    this.weights = [];
  }

  private forget(): void {
    this.session?.dispose();
    this.session = undefined;
    this.parameters = [];
    this.keys.clear();
  }

  /** The session over these variables and all that came before. */
  private bind(variables: readonly Variable[]): Session {
    const { session } = this;
    if (variables.length === 0) throw new GradientError('applyGradients: at least one variable is needed, received none');
    if (session !== undefined && variables.every((variable) => this.isBound(variable))) return session;
    return session === undefined ? this.begin(variables) : this.extend(session, variables);
  }

  private isBound(variable: Variable): boolean {
    const key = this.keys.get(variable.name);
    return key !== undefined && this.parameters.some((parameter) => parameter.key === key && parameter.variable === variable);
  }

  private begin(variables: readonly Variable[]): Session {
    const { pending } = this;
    if (pending === undefined) {
      for (const { name } of variables) this.keys.set(name, name);
      this.parameters = variables.map((variable) => ({ key: variable.name, shape: variable.shape, variable }));
      return this.start(undefined);
    }
    const known = pending.parameters.map(([key, shape]) => ({ key, shape }));
    const found = identify(known, variables);
    for (const [name, key] of found) this.keys.set(name, key);
    this.parameters = known.map((one) => ({ ...one, variable: variables.find(({ name }) => found.get(name) === one.key) }));
    const session = this.start(pending);
    this.pending = undefined;
    return session;
  }

  /** New variables, or others under a known name: the state goes into a new session that has them. */
  private extend(session: Session, variables: readonly Variable[]): Session {
    const saved = session.save();
    if (isPromise(saved))
      throw new BackendError('toTfjsOptimizer: on a device that cannot be read in a step, the first step must have all variables');
    for (const variable of variables) {
      const key = this.keys.get(variable.name) ?? this.waiting(variable) ?? variable.name;
      this.keys.set(variable.name, key);
      const known = this.parameters.find((parameter) => parameter.key === key);
      if (known === undefined) this.parameters.push({ key, shape: variable.shape, variable });
      else known.variable = variable;
    }
    session.dispose();
    return this.start(readCheckpoint(saved));
  }

  /** A loaded parameter that has not met its variable, and can only be this one. */
  private waiting(variable: Variable): string | undefined {
    const unmet = this.parameters.filter((parameter) => parameter.variable === undefined);
    return unmet.length === 0 ? undefined : identify(unmet, [variable]).get(variable.name);
  }

  private start(state: Checkpoint | undefined): Session {
    const { transform, parameters, hypers, changed } = this;
    const { compute = getBackend() === 'webgpu' ? tfjsDevice() : tfjs(), seed = 0 } = this.options;
    const options = { transform, seed };
    const session = sessionOn(compute, options, parameters);
    try {
      if (state !== undefined) takeOver(session, state);
      for (const [address, value] of changed) session.set(address, value);
    } catch (error) {
      session.dispose();
      this.forget();
      throw error;
    }
    for (const [address, value] of declaredHypers(transform, shapesOf(parameters))) if (!hypers.has(address)) hypers.set(address, value);
    this.session = session;
    return session;
  }
}

function sessionOn(
  compute: NonNullable<TfjsOptimizerOptions['compute']>,
  options: Parameters<typeof nativeSession>[0],
  parameters: readonly SessionParameter[],
): Session {
  if (isTfjsBackend(compute)) return nativeSession(options, parameters, compute);
  return isOnDevice(compute) ? deviceSession(options, parameters, compute) : hostSession(options, parameters, compute);
}

const isOnDevice = (compute: HostBackend | DeviceBackend): compute is DeviceBackend => compute.read === 'async';

const shapesOf = (parameters: readonly SessionParameter[]) => Object.fromEntries(parameters.map(({ key, shape }) => [key, shape]));

/** Loads a state that may know fewer parameters. @throws CheckpointError if it is that of another transform. */
function takeOver(session: Session, saved: Checkpoint): void {
  const tensors = new Map(saved.tensors);
  // The session keeps the variables as they are; the file only has to be complete.
  for (const [name, shape] of saved.parameters) {
    const key = parameterKey(name);
    if (!tensors.has(key)) tensors.set(key, { shape, data: new Float32Array(size(shape)) });
  }
  session.load(writeCheckpoint({ metadata: saved.metadata, tensors }));
}

function registered(name: string): Variable {
  const variable = engine().registeredVariables[name];
  if (variable === undefined) throw new GradientError(`applyGradients: there is no variable '${name}'`);
  return variable;
}
