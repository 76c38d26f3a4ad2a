import { type Backend, type Floats, isPromise, type MaybePromise, type Mode, whenDone } from '../backend.ts';
import { DisposedError, NonFiniteResultError, ObjectiveError, StepInterrupted, TransformError } from '../errors.ts';
import { warn } from '../log.ts';
import { checkObjective, type Gradients, isObjective, type Objective } from '../objective/objective.ts';
import { checkScalar, type Scalar } from '../options/hyper.ts';
import { getters, record } from '../records.ts';
import type { About, Moment, Shapes, Transform } from '../transform/transform.ts';
import { Background } from './background.ts';
import { collecting, type Sink } from './checkpoint/checkpoint.ts';
import { Checkpoints, type Takeover, type Tally } from './checkpoint/checkpoints.ts';
import { bytesOf, type LoadOptions, type LoadReport, resolveLoad } from './checkpoint/load-options.ts';
import { Counters } from './counters.ts';
import { evaluation } from './evaluation.ts';
import { type Explanation, explain } from './explain.ts';
import { Facts } from './facts.ts';
import { allFinite, isArray } from './floats.ts';
import { Inquiry } from './inquiry.ts';
import { type Found, Intake } from './intake.ts';
import { gradientKey, parameterKey } from './keys.ts';
import { lacking } from './lacking.ts';
import { Layout, skippedKey } from './layout.ts';
import type { Memory } from './memory.ts';
import type { Optimizer } from './optimizer.ts';
import type { Placed } from './place.ts';
import { type Plan, Planner } from './planner.ts';
import type { Randomness } from './randomness.ts';
import { rehearse } from './rehearsal.ts';
import { Runner } from './runner.ts';
import { inTurn, Turns } from './turns.ts';
import { failing, passes, refusals as refusalsOf } from './verdicts.ts';

/** What was found out of gradients before a step. */
type Finding = 'finite' | 'poisoned' | 'unseen';

/** The optimizer behind `createOptimizer`, for every mode: what is synchronous there returns at once. */
export class Engine<Native, Buffer> implements Optimizer<string, Mode, Mode, Native> {
  readonly parameters: Readonly<Record<string, MaybePromise<Floats>>>;
  readonly gradients: Readonly<Record<string, MaybePromise<Floats>>>;
  readonly state: Readonly<Record<string, MaybePromise<Floats>>>;
  private readonly backend: Backend<Mode, Mode, Native, Buffer>;
  private readonly transform: Transform;
  private readonly shapes: Shapes;
  private readonly layout: Layout;
  private readonly counters = new Counters();
  private readonly memory: Memory<Native, Buffer>;
  private readonly runner: Runner<Native, Buffer>;
  private readonly checkpoints: Checkpoints<Native, Buffer>;
  private background: Background<Native, Buffer> | undefined;
  private readonly names: readonly string[];
  private readonly intake: Intake<Native, Buffer>;
  private readonly everyName: ReadonlySet<string>;
  private facts: Facts;
  private planner: Planner;
  /** Of the plans that were run last. */
  private generation = 0;
  private random: Randomness;
  private readonly inquiry: Inquiry<Native, Buffer>;
  private readonly turns = new Turns();
  private call = 0;
  /** Calls the host dropped. */
  private skipped = 0;
  /** Whether the log says already that a step was dropped. */
  private warned = false;
  private disposed = false;
  /** What broke off an earlier step. */
  private interruption: StepInterrupted | undefined;

  /** `memory` holds the parameters. */
  constructor(
    transform: Transform,
    placed: readonly Placed[],
    backend: Backend<Mode, Mode, Native, Buffer>,
    memory: Memory<Native, Buffer>,
    random: Randomness,
    about: Readonly<Record<string, About>>,
  ) {
    this.transform = transform;
    this.backend = backend;
    this.random = random;
    this.names = placed.map(({ name }) => name);
    this.everyName = new Set(this.names);
    this.shapes = record(placed.map(({ name, shape }) => [name, shape]));
    // Where the host must not wait for the device, the device decides whether a step is dropped.
    const deviceDecides = backend.run === 'sync' && backend.read === 'async';
    this.layout = new Layout(transform, this.shapes, deviceDecides, backend.precision, about);
    this.facts = new Facts(this.layout);
    rehearse(this.layout);
    this.memory = memory;
    this.runner = new Runner(backend, this.memory, this.counters);
    this.background = backend.deferral && new Background(backend, backend.deferral, this.memory);
    this.checkpoints = new Checkpoints(backend, this.shapes, this.layout, this.memory, this.counters, this.runner.live);
    for (const hyper of this.layout.hypers.keys()) this.runner.live.set(hyper, hyper.value);
    this.intake = new Intake(backend, new Map(placed.map(({ name, shape }) => [name, shape])), memory);
    for (const { key, slot } of this.layout.slots.values()) {
      this.memory.create('slot', key, slot.shape, slot.dtype ?? 'working');
      this.memory.initialize(key, slot);
    }
    this.inquiry = new Inquiry(this.memory, this.shapes, this.layout.needs);
    this.planner = this.makePlanner();
    this.parameters = getters(this.names, (name) => this.read(parameterKey(name)));
    this.gradients = getters(this.names, (name) => this.read(gradientKey(name)));
    this.state = getters([...this.layout.slots.keys()], (key) => this.read(key));
  }

  get hyperparameters(): Readonly<Record<string, Scalar>> {
    return record([...this.runner.live].map(([hyper, value]) => [this.layout.address(hyper), value]));
  }

  get stateBytes(): number {
    return this.layout.bytes(this.backend.precision === 'f64' ? 8 : 4);
  }

  get programs(): number {
    return this.runner.programs;
  }

  get skippedSteps(): MaybePromise<number> {
    if (!this.layout.deviceDecides) return this.skipped;
    return whenDone(this.read(skippedKey), (device) => this.skipped + (device[0] ?? 0));
  }

  step(given: Gradients<string, Native> | Objective<string, Mode, Native>): MaybePromise<void> {
    this.usable('step');
    if (isObjective<Native>(given)) {
      checkObjective(given);
      return this.turns.take(given, (objective) => this.askThenStep(objective));
    }
    const found = this.intake.read(given);
    // The caller may reuse its arrays as soon as this returns, so a step that has to wait keeps them as they are.
    return this.turns.take(this.turns.idle ? found : this.intake.kept(found), (held) => this.stepNow(held));
  }

  set(address: string, value: Scalar): void {
    if (this.disposed) throw new DisposedError('set');
    const hyper = this.layout.find(address);
    checkScalar(hyper, value, this.layout.precision);
    // Behind steps that were called before and before those that are called later, awaited or not.
    void this.turns.take(value, (next) => void this.runner.live.set(hyper, next));
  }

  save(): MaybePromise<Uint8Array> {
    this.usable('save');
    const { sinkFor, file } = collecting();
    return whenDone(this.pour(sinkFor), file);
  }

  saveTo(write: (piece: Uint8Array) => void): MaybePromise<void> {
    this.usable('saveTo');
    return this.pour(() => write);
  }

  private pour(sinkFor: (bytes: number) => Sink): MaybePromise<void> {
    const tally = (): Tally => ({ call: this.call, skipped: this.skipped, seed: this.random.seed });
    return this.turns.take(sinkFor, (sink) => this.checkpoints.encode(tally(), sink));
  }

  load(file: Uint8Array | ArrayBuffer, options: LoadOptions = {}): MaybePromise<LoadReport> {
    if (this.disposed) throw new DisposedError('load');
    const [bytes, asked] = [bytesOf(file), resolveLoad(options)];
    // The caller may reuse its array as soon as this returns.
    return this.turns.take(this.turns.idle ? bytes : bytes.slice(), (held) =>
      this.loadNow(this.checkpoints.prepare(held, asked, this.random.seed)),
    );
  }

  finalize(): MaybePromise<void> {
    this.usable('finalize');
    return this.turns.take(undefined, () => this.once('finalize'));
  }

  get evaluation(): Readonly<Record<string, MaybePromise<Floats>>> {
    this.usable('evaluation');
    const ran = this.turns.take(undefined, () => {
      const plan = this.planner.evaluation();
      return whenDone(this.run(plan), () => plan);
    });
    return evaluation(this.names, ran, (key) => this.memory.read(key));
  }

  async settled(): Promise<void> {
    await this.turns.afterwards(() => this.background?.settled());
  }

  explain(calls?: number): Explanation {
    return explain(this.transform, this.shapes, calls, this.layout.deviceDecides, this.backend.precision, undefined, this.layout.said);
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.runner.close();
    this.background?.abandon();
    this.background = undefined;
    this.memory.release();
  }

  /** What the transform does to parameters outside of steps. */
  once(moment: Exclude<Moment, 'evaluate'>): MaybePromise<void> {
    return whenDone(this.prepareParameters(moment), (refusals) => {
      if (refusals.length === 0) return;
      this.dispose();
      throw new TransformError(refusals.join('; '));
    });
  }

  /** The same, giving what the transform has against them. */
  private prepareParameters(moment: Exclude<Moment, 'evaluate'>): MaybePromise<string[]> {
    const plan = this.planner.once(moment);
    return whenDone(this.run(plan), () =>
      whenDone(this.runner.verdict(plan), (entries) => {
        this.runner.keep(this.planner.plans);
        return refusalsOf(plan, entries ?? []);
      }),
    );
  }

  private askThenStep(objective: Objective<string, Mode, Native>): MaybePromise<void> {
    const gradients = this.inquiry.ask(() => objective.gradients());
    const complain = (message: string) => new ObjectiveError(`step: gradients() of the objective: ${message}`);
    return whenDone(gradients, (given) => this.stepNow(this.intake.read(given, complain), objective));
  }

  private stepNow(found: Found<Native>, objective?: Objective<string, Mode, Native>): MaybePromise<void> {
    // It may have waited, and buffers that were given back belong to somebody else.
    this.usable('step');
    this.background?.look();
    this.intake.write(found);
    let missing = 0;
    for (const gradient of found) if (gradient === undefined) missing++;
    if (missing === found.length) return undefined;
    const present = missing === 0 ? this.everyName : new Set(this.names.filter((_, i) => found[i] !== undefined));
    const kind = missing === 0 ? '' : JSON.stringify([...present]);
    const verdict = this.layout.deviceDecides ? this.lookAt(found, present, kind) : this.check(present, kind);
    return whenDone(verdict, (finding) => {
      if (finding === 'poisoned') return this.drop();
      return whenDone(this.probe(present, kind, objective), () => this.apply(present, kind, finding === 'unseen', objective));
    });
  }

  private apply(
    present: ReadonlySet<string>,
    kind: string,
    decides: boolean,
    objective: Objective<string, Mode, Native> | undefined,
  ): MaybePromise<void> {
    const single = kind === '' || decides ? undefined : this.separately(present);
    if (single !== undefined) return this.applyEach(single);
    const plan = this.planFor(present, kind, decides, objective?.samples);
    return whenDone(this.inquiry.supply(plan, objective, this.random.draws), () =>
      whenDone(this.run(plan), () =>
        whenDone(this.runner.verdict(plan), (entries) => {
          if (entries !== undefined && !this.tookEffect(plan, entries)) return this.drop();
          this.counters.apply(plan.counted, plan.reset);
          this.background?.after(plan);
          this.call++;
        }),
      ),
    );
  }

  /** A plan for each of some parameters, where those together do what one plan for all would, and none can fail alone. */
  private separately(present: ReadonlySet<string>): Plan[] | undefined {
    if (this.transform.separable !== true || this.layout.needs.length > 0) return undefined;
    for (;;) {
      const { generation } = this.planner;
      const plans = [...present].map((name) => this.planFor(new Set([name]), JSON.stringify([name]), false, undefined));
      if (generation !== this.planner.generation) continue;
      const alone = ({ sound, fed, taken, deferred }: Plan): boolean =>
        sound?.proved === true && fed.length === 0 && taken.length === 0 && deferred === undefined;
      return plans.every(alone) ? plans : undefined;
    }
  }

  private applyEach(plans: readonly Plan[]): MaybePromise<void> {
    return whenDone(
      inTurn(plans, (plan) => this.run(plan)),
      () => {
        this.counters.apply(new Set(plans.flatMap(({ counted }) => counted)), new Set(plans.flatMap(({ reset }) => reset)));
        this.call++;
      },
    );
  }

  /** As if the call had not been made, but for this. */
  private drop(): void {
    this.skipped++;
  }

  private planFor(present: ReadonlySet<string>, kind: string, decides: boolean, samples: number | undefined): Plan {
    const plan = this.planner.step(present, kind, decides, samples);
    if (this.runner.fits(plan)) return plan;
    this.planner.outgrow(plan);
    return this.planner.step(present, kind, decides, samples);
  }

  /** Whether a step whose results were looked at was taken. */
  private tookEffect({ verdicts }: Plan, entries: Floats): boolean {
    const failed = failing(verdicts, entries);
    if (failed.length === 0) return true;
    if (this.layout.otherwise === 'throw') throw new NonFiniteResultError(failed);
    if (!this.warned) warn(`a step was dropped: it would have made ${failed.join(', ')} NaN or infinite; \`skippedSteps\` counts them`);
    this.warned = true;
    return false;
  }

  /** What the host can see where it must not wait for the device: gradients that came as arrays. */
  private lookAt(found: Found<Native>, present: ReadonlySet<string>, kind: string): Finding {
    if (!this.checkFor(present, kind).onlyInputs) return 'unseen';
    let finding: Finding = 'finite';
    for (const gradient of found) {
      if (gradient === undefined) continue;
      if (!isArray(gradient)) finding = 'unseen';
      else if (!allFinite(gradient)) return 'poisoned';
    }
    return finding;
  }

  /** Has the objective multiply by the Hessian what this step wants multiplied. */
  private probe(present: ReadonlySet<string>, kind: string, objective: Objective<string, Mode, Native> | undefined): MaybePromise<void> {
    if (!this.layout.needs.some(({ what }) => what === 'hvp')) return undefined;
    const plan = this.planner.probe(present, kind, objective?.samples);
    if (plan.program === undefined) return undefined;
    if (objective === undefined) throw lacking('hvp', this.layout.needs);
    return whenDone(this.inquiry.supply(plan, objective, this.random.draws), () =>
      whenDone(this.run(plan), () => this.inquiry.product(plan, objective)),
    );
  }

  /** Whether the call may go on; decided before anything is written. */
  private check(present: ReadonlySet<string>, kind: string): MaybePromise<Finding> {
    const plan = this.checkFor(present, kind);
    return whenDone(this.run(plan), () => {
      const verdict = this.runner.verdict(plan);
      return verdict === undefined ? 'finite' : whenDone(verdict, (entries) => (passes(plan, entries, present) ? 'finite' : 'poisoned'));
    });
  }

  /** Where each gradient is looked at by itself, one program looks at all of them, whichever came. */
  private checkFor(present: ReadonlySet<string>, kind: string): Plan {
    const all = this.planner.check(this.everyName, '');
    return kind === '' || all.onlyInputs ? all : this.planner.check(present, kind);
  }

  private run(plan: Plan): MaybePromise<void> {
    // Plans that became void are freed before the next one is made.
    if (this.planner.generation !== this.generation) this.runner.keep(this.planner.plans);
    this.generation = this.planner.generation;
    this.background?.reserve(plan);
    try {
      const running = this.runner.run(plan, this.call);
      return isPromise(running) ? running.catch((error: unknown) => this.interrupt(error)) : running;
    } catch (error) {
      return this.interrupt(error);
    }
  }

  private interrupt(error: unknown): never {
    if (error instanceof StepInterrupted) this.interruption = error;
    throw error;
  }

  private loadNow(file: Takeover): MaybePromise<LoadReport> {
    return whenDone(
      this.checkpoints.write(file, () => this.prepareParameters('construct')),
      () => {
        this.facts = new Facts(this.layout);
        for (const [key, bounds] of file.bounds) this.facts.observe(key, bounds);
        const { call, skipped, seed } = file.tally;
        [this.call, this.skipped, this.random] = [call, skipped, { ...this.random, seed }];
        this.background?.abandon();
        this.planner = this.makePlanner();
        this.runner.keep([]);
        this.interruption = undefined;
        return file.report;
      },
    );
  }

  private makePlanner(): Planner {
    const context = { facts: this.facts, live: this.runner.valueAt, standing: this.background };
    return new Planner(this.transform, this.shapes, this.layout, this.counters, this.random, context);
  }

  private read(key: string): MaybePromise<Floats> {
    // A live view shows what is there at any time.
    return this.backend.read === 'sync' || this.inquiry.asking ? this.memory.read(key) : this.turns.afterwards(() => this.memory.read(key));
  }

  private usable(what: string): void {
    if (this.disposed) throw new DisposedError(what);
    if (this.interruption !== undefined) {
      throw new StepInterrupted(`${what}: an earlier step was interrupted; load a checkpoint first`, { cause: this.interruption });
    }
  }
}
