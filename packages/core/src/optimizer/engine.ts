import { allOf, type Backend, type Floats, type MaybePromise, type Mode, whenDone } from '../backend.ts';
import { DisposedError, ObjectiveError, OptionTypeError, TransformError } from '../errors.ts';
import { checkObjective, type Gradients, isObjective, type Objective } from '../objective/objective.ts';
import { checkScalar, type Scalar } from '../options/hyper.ts';
import { size } from '../program/shape.ts';
import { getters, record } from '../records.ts';
import type { About, Moment, Shapes, Transform } from '../transform/transform.ts';
import { collecting, type Sink } from './checkpoint/checkpoint.ts';
import { Checkpoints, type Takeover } from './checkpoint/checkpoints.ts';
import { bytesOf, type LoadOptions, type LoadReport, resolveLoad } from './checkpoint/load-options.ts';
import { evaluation } from './evaluation.ts';
import { type Explanation, explainMeasured } from './explain.ts';
import type { Frame } from './frame.ts';
import { groupsOf, hypersWithin } from './groups.ts';
import { gradientKey, metricsKey, parameterKey } from './memory/keys.ts';
import type { Memory } from './memory/memory.ts';
import { checkHeld } from './memory/narrowed.ts';
import type { Placed } from './memory/place.ts';
import { narrowOf } from './memory/storage.ts';
import { Turns } from './memory/turns.ts';
import { type Metrics, readMetrics } from './metrics.ts';
import type { Group, Optimizer } from './optimizer.ts';
import { Counters } from './plans/counters.ts';
import { type DeclaredSlot, Layout } from './plans/layout.ts';
import { Measures, widensSquares } from './plans/measures.ts';
import { rehearse } from './plans/rehearsal.ts';
import { skippedKey } from './plans/slot-keys.ts';
import { Inquiry } from './questions/inquiry.ts';
import { Questions } from './questions/questions.ts';
import { Background } from './step/background.ts';
import { type Found, Intake } from './step/intake.ts';
import { Interruption } from './step/interruption.ts';
import { type LiveHypers, Runner } from './step/runner.ts';
import { Steps } from './step/steps.ts';
import { refusals as refusalsOf } from './step/verdicts.ts';

/** The optimizer behind `createOptimizer`, for every mode: what is synchronous there returns at once. */
export class Engine<Native, Buffer> implements Omit<Optimizer<string, Mode, Mode, Native>, 'add' | 'remove'> {
  readonly parameters: Readonly<Record<string, MaybePromise<Floats>>>;
  readonly gradients: Readonly<Record<string, MaybePromise<Floats>>>;
  readonly state: Readonly<Record<string, MaybePromise<Floats>>>;
  /** Hyperparameters as they are now, schedules too. */
  readonly live: LiveHypers;
  private readonly backend: Backend<Mode, Mode, Native, Buffer>;
  private readonly transform: Transform;
  private readonly shapes: Shapes;
  private readonly layout: Layout;
  private readonly counters = new Counters();
  private readonly memory: Memory<Native, Buffer>;
  private readonly runner: Runner<Native, Buffer>;
  private readonly checkpoints: Checkpoints<Native, Buffer>;
  private readonly background: Background<Native, Buffer> | undefined;
  private readonly names: readonly string[];
  private readonly measures: Measures | undefined;
  private readonly intake: Intake<Native, Buffer>;
  private readonly steps: Steps<Native, Buffer>;
  private readonly inquiry: Inquiry<Native, Buffer>;
  private readonly turns = new Turns();
  private disposed = false;
  private readonly interruption = new Interruption();

  /** `memory` holds the parameters. */
  constructor(
    { transform, backend, random, metrics, narrowed }: Frame<Native, Buffer>,
    memory: Memory<Native, Buffer>,
    placed: readonly Placed[],
    about: Readonly<Record<string, About>>,
  ) {
    this.transform = transform;
    this.backend = backend;
    const whole = record(placed.map(({ name, shape }) => [name, shape]));
    this.names = Object.keys(whole);
    // What has no elements is there for its name: nothing of it is traced, kept as state or saved.
    this.shapes = record(Object.entries(whole).filter(([, shape]) => size(shape) > 0));
    for (const name of this.names) if (!(name in this.shapes)) memory.addEmpty(gradientKey(name));
    // Where the host must not wait for the device, the device decides whether a step is dropped.
    const deviceDecides = backend.run === 'sync' && backend.read === 'async';
    this.layout = new Layout(transform, this.shapes, deviceDecides, backend.precision, about, narrowed);
    checkHeld(narrowOf([...this.layout.slots.keys()].map((key) => this.layout.storage(key))), backend);
    rehearse(this.layout);
    this.memory = memory;
    this.runner = new Runner(backend, this.memory, this.counters, deviceDecides || this.layout.slow);
    this.live = this.runner.live;
    this.background = backend.deferral && new Background(backend, backend.deferral, this.memory);
    this.checkpoints = new Checkpoints(backend, this.shapes, this.layout, this.memory, this.counters, this.live);
    for (const hyper of this.layout.hypers.keys()) this.live.set(hyper, hyper.value);
    this.intake = new Intake(backend, this.shapes, this.names, memory);
    for (const { key, slot } of this.layout.slots.values()) {
      const storage = this.layout.storage(key);
      for (const part of storage.parts) this.memory.create('slot', part.key, part.shape, part.dtype);
      this.memory.initialize(slot, storage);
    }
    this.inquiry = new Inquiry(this.memory, whole, this.layout.needs);
    this.measures = metrics === undefined ? undefined : new Measures(Object.keys(this.shapes), metrics, widensSquares(backend));
    if (this.measures !== undefined) this.memory.create('slot', metricsKey, this.measures.shape, 'working');
    this.forgetMetrics();
    const { shapes, layout, counters, runner, inquiry, background, measures } = this;
    const questions = new Questions(backend, memory, inquiry, whole, layout);
    this.steps = new Steps({ transform, shapes, layout, counters, runner, inquiry, questions, background, measures }, random);
    this.parameters = getters(this.names, (name) => this.read(parameterKey(name)));
    this.gradients = getters(this.names, (name) => this.read(gradientKey(name)));
    this.state = getters([...this.layout.slots.keys()], (key) => this.look(() => this.elements(key)));
  }

  get hyperparameters(): Readonly<Record<string, Scalar>> {
    return hypersWithin('', this.layout, this.live);
  }

  get groups(): readonly Group[] {
    return groupsOf(this.names, this.layout, this.live);
  }

  get stateBytes(): number {
    return this.layout.bytes(this.backend.precision === 'f64' ? 8 : 4);
  }

  get programs(): number {
    return this.runner.programs;
  }

  get skippedSteps(): MaybePromise<number> {
    const { dropped } = this.steps;
    return this.layout.deviceDecides ? whenDone(this.read(skippedKey), (device) => dropped.calls + (device[0] ?? 0)) : dropped.calls;
  }

  metrics(): MaybePromise<Metrics> {
    this.usable('metrics');
    if (this.measures === undefined)
      throw new OptionTypeError('metrics: this optimizer measures nothing; write createOptimizer({ …, metrics: true })');
    return this.look(() => {
      const { call, dropped } = this.steps;
      const rates = record([...this.live.keys()].map((hyper) => [this.layout.address(hyper), this.runner.lastValue(hyper)]));
      // Both at once: a later step may not come between.
      const read = [metricsKey, ...(this.layout.deviceDecides ? [skippedKey] : [])].map((key) => this.memory.read(key));
      return whenDone(allOf(read), ([rows = [], device]) => {
        const byDevice = device?.[0] ?? 0;
        return readMetrics(Object.keys(this.shapes), this.names, rows, { step: call - byDevice, skipped: dropped.calls + byDevice, rates });
      });
    });
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
    void this.turns.take(value, (next) => void this.live.set(hyper, next));
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
    return this.turns.take(sinkFor, (sink) => {
      const { call, dropped, random } = this.steps;
      return this.checkpoints.encode({ call, skipped: dropped.calls, seed: random.seed }, sink);
    });
  }

  load(file: Uint8Array | ArrayBuffer, options: LoadOptions = {}): MaybePromise<LoadReport> {
    if (this.disposed) throw new DisposedError('load');
    const [bytes, asked] = [bytesOf(file), resolveLoad(options)];
    // The caller may reuse its array as soon as this returns.
    return this.turns.take(this.turns.idle ? bytes : bytes.slice(), (held) =>
      this.loadNow(this.checkpoints.prepare(held, asked, this.steps.random.seed)),
    );
  }

  flush(): MaybePromise<boolean> {
    this.usable('flush');
    return this.turns.take(undefined, () => this.interruption.within(() => this.steps.flush()));
  }

  finalize(): MaybePromise<void> {
    this.usable('finalize');
    return this.turns.take(undefined, () => this.once('finalize'));
  }

  get evaluation(): Readonly<Record<string, MaybePromise<Floats>>> {
    this.usable('evaluation');
    const ran = this.turns.take(undefined, () => {
      const plan = this.steps.planner.evaluation();
      return whenDone(this.steps.run(plan), () => plan);
    });
    return evaluation(this.names, ran, (key) => this.memory.read(key));
  }

  async settled(): Promise<void> {
    await this.turns.afterwards(() => this.background?.settled());
  }

  explain(calls?: number): Explanation {
    const { transform, shapes, measures, backend, layout } = this;
    const { deviceDecides, said: about, narrowed: stateDtype } = layout;
    return explainMeasured({ transform, shapes, calls, deviceDecides, precision: backend.precision, about, stateDtype, measures });
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.runner.close();
    this.background?.close();
    this.memory.release();
  }

  /** What the transform does to parameters outside of steps. */
  once(moment: Exclude<Moment, 'evaluate'>): MaybePromise<void> {
    return whenDone(this.prepareParameters(moment), (refusals) => {
      if (refusals.length === 0) return moment === 'construct' ? this.start([...this.layout.slots.values()]) : undefined;
      throw new TransformError(refusals.join('; '));
    });
  }

  /** The same, giving what the transform has against them. */
  private prepareParameters(moment: Exclude<Moment, 'evaluate'>): MaybePromise<string[]> {
    const plan = this.steps.planner.once(moment);
    return whenDone(
      this.interruption.within(() => this.steps.run(plan)),
      () =>
        whenDone(this.runner.verdict(plan), (entries) => {
          this.runner.keep(this.steps.planner.plans);
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
    try {
      // It may have waited, and buffers that were given back belong to somebody else.
      this.usable('step');
      this.background?.look();
      this.intake.write(found);
    } finally {
      this.intake.release(found);
    }
    return this.interruption.within(() => this.steps.take(found, objective));
  }

  private loadNow(file: Takeover): MaybePromise<LoadReport> {
    return whenDone(
      this.checkpoints.write(file, () => this.prepareParameters('construct')),
      () => {
        this.background?.abandon();
        this.steps.restart(file.tally, file.bounds);
        this.forgetMetrics();
        this.interruption.over();
        return whenDone(this.start(file.fresh), () => file.report);
      },
    );
  }

  /** What slots start from that is made by a program; nothing else of the optimizer knows of that. */
  private start(slots: readonly DeclaredSlot[]): MaybePromise<void> {
    return whenDone(this.steps.start(slots), () => this.runner.keep(this.steps.planner.plans));
  }

  private read(key: string): MaybePromise<Floats> {
    return this.look(() => this.memory.read(key));
  }

  private elements(key: string): MaybePromise<Floats> {
    const declared = this.layout.slots.get(key);
    return declared === undefined ? this.memory.read(key) : this.memory.elements(declared.slot, this.layout.storage(key));
  }

  private look<T>(at: () => MaybePromise<T>): MaybePromise<T> {
    // A live view shows what is there at any time.
    return this.backend.read === 'sync' || this.inquiry.asking ? at() : this.turns.afterwards(at);
  }

  private forgetMetrics(): void {
    if (this.measures !== undefined) this.memory.write(metricsKey, this.measures.unwritten());
  }

  private usable(what: string): void {
    if (this.disposed) throw new DisposedError(what);
    this.interruption.refuse(what);
  }
}
