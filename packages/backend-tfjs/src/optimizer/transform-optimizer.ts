import {
  BackendError,
  checkScalar,
  DisposedError,
  type Floats,
  type Hyperparameters,
  isPromise,
  type MaybePromise,
  type Metrics,
  OptionTypeError,
  type Scalar,
  takeApart,
  warn,
  whenDone,
} from '@opt/core';
import { type NamedTensorMap, Optimizer, type serialization, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { identify, identifyLate } from './bindings.ts';
import { holding } from './evaluating.ts';
import { readGradients, spread } from './gradients.ts';
import { HandedWeights } from './handed-weights.ts';
import { aboutLayers } from './layer-roles.ts';
import { declaredBy, isGone, meet } from './meet.ts';
import { type Chosen, type Compute, defaultCompute } from './options.ts';
import { type SavedState, savedHypers, stateOf } from './saved-state.ts';
import type { Session, SessionParameter } from './session.ts';
import { startSession } from './start-session.ts';
import { fromWeights, type NamedTensor, toWeights } from './weights.ts';

/** A `tf.Optimizer` that runs a transform. */
export class TransformOptimizer extends Optimizer {
  private readonly chosen: Chosen;
  private compute: Compute | undefined;
  private session: Session | undefined;
  private parameters: readonly SessionParameter[] = [];
  private readonly byVariable = new Map<Variable, SessionParameter>();
  /** A loaded state that has not met its variables yet. */
  private pending: SavedState | undefined;
  /** Hyperparameters before there is a session. */
  private readonly declared: Hyperparameters;
  /** What was set, here or by a loaded state, by address. */
  private readonly changed = new Map<string, Scalar>();
  private readonly handed = new HandedWeights();
  private warned = false;
  private disposed = false;
  /** Evaluations under way. */
  private judging = 0;

  constructor(chosen: Chosen, config: serialization.ConfigDict = {}) {
    super();
    this.chosen = chosen;
    this.compute = chosen.compute;
    this.declared = declaredBy(chosen.transform);
    for (const [address, value] of this.declared.values) {
      const saved = config[address];
      // A schedule is the transform's, whatever number a file has for it.
      if (typeof saved === 'number' && typeof value === 'number') this.set(address, saved);
    }
  }

  /**
   * One step. Gradients by variable name, or as a list; one that is missing or null leaves its variable alone, a scalar counts for every
   * element.
   *
   * @throws GradientError, and nothing has moved · CheckpointError where a loaded state does not fit
   */
  override applyGradients(variableGradients: NamedTensorMap | NamedTensor[]): void {
    if (this.disposed) throw new DisposedError('applyGradients');
    this.refuseWithin('applyGradients');
    const given = readGradients(variableGradients);
    const session = this.bind(given.map(({ variable }) => variable));
    const step = this.iterations + 1;
    tidy(() => {
      const gradients = new Map<string, Tensor>();
      for (const { variable, gradient } of given) {
        const parameter = this.byVariable.get(variable);
        if (gradient === undefined || parameter === undefined) continue;
        gradients.set(parameter.key, spread(variable, gradient));
        parameter.last = step;
      }
      session.step(gradients);
    });
    this.incrementIterations();
    this.handed.changed();
    if (!this.warned) this.watch(session, step);
  }

  /** Changes a live hyperparameter, also before the first step and while training: `set('learningRate', 1e-3)`. */
  set(address: string, value: Scalar): void {
    const { session } = this;
    if (session === undefined) {
      const { address: full, hyper } = this.declared.find(address);
      checkScalar(hyper, value);
      this.changed.set(full, value);
    } else {
      session.set(address, value);
      // Said in another way before, it comes last now.
      this.changed.delete(address);
      this.changed.set(address, value);
    }
    this.handed.changed();
  }

  /** The learning rate, where the transform has exactly one; a schedule if it was given as one. */
  get learningRate(): Scalar | undefined {
    return this.hyperparameters['learningRate'];
  }

  set learningRate(value: Scalar) {
    this.set('learningRate', value);
  }

  /** Live hyperparameters as they are now, by address. */
  get hyperparameters(): Readonly<Record<string, Scalar>> {
    return this.session?.hyperparameters ?? { ...Object.fromEntries(this.declared.values), ...Object.fromEntries(this.changed) };
  }

  /** Steps dropped because of a gradient that was not finite; a promise on webgpu. */
  get skippedSteps(): MaybePromise<number> {
    return this.session?.skippedSteps ?? 0;
  }

  /**
   * What the last measured step did, as `metrics()` of core; undefined before the first step, a promise on webgpu. Variables are called by name,
   * the second of one name with `#2` behind it. Where one comes or goes, the next step is measured anew.
   *
   * @throws OptionTypeError unless `toTfjsOptimizer` was given `metrics`
   */
  metrics(): MaybePromise<Metrics | undefined> {
    if (this.chosen.metrics === false)
      throw new OptionTypeError('metrics: this optimizer measures nothing; write toTfjsOptimizer(transform, { metrics: true })');
    return this.session?.metrics();
  }

  /**
   * Runs `f` with the variables being what the model is to be judged with: averages where the transform keeps some. Afterwards, and if `f`
   * throws, they are what they were, and training goes on as if nothing had been. A promise where `f` gives one, and on webgpu.
   *
   * @throws BackendError for a step within `f`, and where the state is asked for
   */
  evaluating<T>(f: () => MaybePromise<T>): MaybePromise<T> {
    const { session, parameters } = this;
    if (session === undefined || this.judging > 0) return f();
    return whenDone(session.judged(), (values) => {
      const held = parameters.flatMap(({ key, variable }): [Variable, Floats][] => {
        const value = values.get(key);
        return variable === undefined || variable.isDisposed || value === undefined ? [] : [[variable, value]];
      });
      this.judging++;
      return holding(new Map(held), f, () => void this.judging--);
    });
  }

  /** Ends training: an averaged model takes its average. */
  finalize(): void {
    this.refuseWithin('finalize');
    this.session?.finalize();
    this.handed.changed();
  }

  /** Every hyperparameter that is a number; the rest of the state is in the weights. */
  override getConfig(): serialization.ConfigDict {
    return Object.fromEntries(
      Object.entries(this.hyperparameters).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    );
  }

  /**
   * The state as tensors. They are the optimizer's own and the same until it has changed; when it is asked again then, they go.
   * `setWeights` takes them all the same.
   */
  override getWeights(): Promise<NamedTensor[]> {
    return this.handed.get(() => this.handOut());
  }

  private async handOut(): Promise<NamedTensor[]> {
    this.refuseWithin('getWeights');
    this.leaveBehind();
    const { iterations, parameters, session } = this;
    const state = session === undefined ? this.pending : stateOf(takeApart(await session.save()), parameters);
    return toWeights({ iterations, state });
  }

  /** What belongs to variables that are gone is dropped, where that is done at once. */
  private leaveBehind(): void {
    const { session, parameters } = this;
    const saved = session !== undefined && parameters.some(isGone) ? session.save() : undefined;
    if (session !== undefined && saved !== undefined && !isPromise(saved))
      this.start(
        parameters.filter((one) => !isGone(one)),
        stateOf(takeApart(saved), parameters),
        session,
      );
  }

  /** Takes over a state; it finds its variables, by name, path of layers, or order, at the next step. */
  override async setWeights(weightValues: NamedTensor[]): Promise<void> {
    const { iterations, state } = await fromWeights(weightValues);
    this.forget();
    this.iterations_ = iterations;
    this.pending = state;
    this.handed.changed();
    const { hyperparameters } = this;
    for (const [address, value] of state === undefined ? [] : savedHypers(state))
      if (typeof hyperparameters[address] !== 'function') this.changed.set(address, value);
  }

  override dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.handed.dispose();
    this.forget();
    this.pending = undefined;
    if (this.chosen.compute === undefined) this.compute?.dispose();
  }

  private refuseWithin(what: string): void {
    if (this.judging > 0) throw new BackendError(`${what}: within evaluating(…) variables are not what is trained; call it afterwards`);
  }

  private forget(): void {
    this.session?.dispose();
    this.session = undefined;
    this.parameters = [];
    this.byVariable.clear();
  }

  /** The session over these variables and all that came before. */
  private bind(variables: readonly Variable[]): Session {
    const { session } = this;
    if (session === undefined) return this.begin(variables);
    const newcomers = variables.filter((variable) => !this.byVariable.has(variable));
    return newcomers.length === 0 ? session : this.extend(session, newcomers);
  }

  private begin(variables: readonly Variable[]): Session {
    const { pending } = this;
    if (pending === undefined) return this.start(meet([], variables, new Map()));
    const session = this.start(meet(pending.parameters, variables, identify(pending.parameters, variables)), pending);
    this.pending = undefined;
    return session;
  }

  /** New variables: the state goes into a session that has them. */
  private extend(session: Session, newcomers: readonly Variable[]): Session {
    const saved = session.save();
    if (isPromise(saved))
      throw new BackendError('toTfjsOptimizer: on a device that cannot be read in a step, the first step must have all variables');
    const here = this.parameters.filter((one) => !isGone(one));
    const named = here.some(({ key, variable }) => variable?.name === key);
    const unmet = here.filter(({ variable }) => variable === undefined);
    return this.start(meet(here, newcomers, identifyLate(unmet, newcomers, named)), stateOf(takeApart(saved), this.parameters), session);
  }

  /** A session over these parameters, in the place of the one there is; if it cannot be, nothing has changed. */
  private start(given: readonly SessionParameter[], state?: SavedState, before?: Session): Session {
    const { transform, seed, metrics, models } = this.chosen;
    this.compute ??= defaultCompute();
    const about = new Map(models().flatMap((model) => [...aboutLayers(model)]));
    const parameters = given.map((one) => ({ ...one, ...(one.variable && about.get(one.variable)) }));
    const session = startSession(this.compute, { transform, seed, metrics }, parameters, state);
    try {
      for (const [address, value] of this.changed) session.set(address, value);
    } catch (error) {
      session.dispose();
      throw error;
    }
    before?.dispose();
    this.session = session;
    this.parameters = parameters;
    this.byVariable.clear();
    for (const parameter of parameters) if (parameter.variable !== undefined) this.byVariable.set(parameter.variable, parameter);
    return session;
  }

  /** Says once that steps are skipped. Where that is known on a device only, it is asked now and then: an answer costs a read. */
  private watch(session: Session, step: number): void {
    if (this.compute?.read === 'async' && (step & (step - 1)) !== 0) return;
    const say = (skipped: number): void => {
      if (skipped === 0 || this.warned) return;
      this.warned = true;
      warn(
        `toTfjsOptimizer: a gradient at step ${step} or before was NaN or infinite; such steps move nothing and are counted in 'skippedSteps'`,
      );
    };
    const skipped = session.skippedSteps;
    if (isPromise(skipped)) skipped.then(say, () => {});
    else say(skipped);
  }
}
