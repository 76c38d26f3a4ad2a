import { type Backend, type Floats, isPromise, type MaybePromise, type Mode, whenDone } from '../backend.ts';
import { DisposedError, StepInterrupted, TransformError } from '../errors.ts';
import { type Gradients, isObjective, kept, type Objective } from '../objective/objective.ts';
import { checkScalar, type Scalar } from '../options/hyper.ts';
import { type Shape, size } from '../program/shape.ts';
import { getters, mapValues } from '../records.ts';
import type { Moment, Shapes, Transform } from '../transform/transform.ts';
import { Background } from './background.ts';
import { decodeHost, encodeHost, type HostState, type LoadReport, match } from './checkpoint.ts';
import { Counters } from './counters.ts';
import { type Explanation, explain } from './explain.ts';
import { Inquiry, lacking } from './inquiry.ts';
import { gradientKey, parameterKey } from './keys.ts';
import { Layout } from './layout.ts';
import { Memory } from './memory.ts';
import type { Optimizer } from './optimizer.ts';
import { type Plan, Planner } from './planner.ts';
import type { Randomness } from './randomness.ts';
import { Runner } from './runner.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import { Turns } from './turns.ts';
import { validateGradients } from './validate-gradients.ts';
import { passes, refusals as refusalsOf } from './verdicts.ts';

/** A parameter placed on a backend. */
export interface Placed<Buffer> {
  readonly name: string;
  readonly shape: Shape;
  readonly buffer: Buffer;
}

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
  private background: Background<Native, Buffer> | undefined;
  private readonly names: readonly string[];
  private readonly sizes: ReadonlyMap<string, number>;
  private readonly gradientBuffers: readonly Buffer[];
  private readonly everyName: ReadonlySet<string>;
  private planner: Planner;
  private random: Randomness;
  private readonly inquiry: Inquiry<Native, Buffer>;
  private readonly turns = new Turns();
  private call = 0;
  /** Calls the host dropped. */
  private skipped = 0;
  private disposed = false;
  /** What broke off an earlier step. */
  private interruption: StepInterrupted | undefined;

  constructor(transform: Transform, placed: readonly Placed<Buffer>[], backend: Backend<Mode, Mode, Native, Buffer>, random: Randomness) {
    this.transform = transform;
    this.backend = backend;
    this.random = random;
    this.names = placed.map(({ name }) => name);
    this.everyName = new Set(this.names);
    this.shapes = Object.fromEntries(placed.map(({ name, shape }) => [name, shape]));
    this.sizes = new Map(placed.map(({ name, shape }) => [name, size(shape)]));
    // Where the host must not wait for the device, the device decides whether a step is dropped.
    const deviceDecides = backend.run === 'sync' && backend.read === 'async';
    this.layout = new Layout(transform, this.shapes, deviceDecides, backend.precision);
    this.memory = new Memory(backend);
    this.runner = new Runner(backend, this.memory, this.counters);
    this.background = backend.deferral && new Background(backend, backend.deferral, this.memory);
    for (const hyper of this.layout.hypers.keys()) this.runner.live.set(hyper, hyper.value);
    for (const { name, shape, buffer } of placed) this.memory.add(parameterKey(name), buffer, shape);
    this.gradientBuffers = placed.map(({ name, shape }) => this.memory.create('gradient', gradientKey(name), shape, 'working'));
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

  get stateBytes(): number {
    return this.layout.bytes(this.backend.precision === 'f64' ? 8 : 4);
  }

  get programs(): number {
    return this.runner.programs;
  }

  get skippedSteps(): MaybePromise<number> {
    const device = [...this.layout.slots.keys()].filter((key) => /(^|\/)guard\.skipped:$/.test(key)).map((key) => this.read(key));
    return device.reduce<MaybePromise<number>>((sum, value) => whenDone(sum, (a) => whenDone(value, (b) => a + (b[0] ?? 0))), this.skipped);
  }

  step(given: Gradients<string, Native> | Objective<string, Mode, Native>): MaybePromise<void> {
    this.usable('step');
    if (isObjective(given)) return this.turns.take(given, (objective) => this.askThenStep(objective));
    return this.stepWith(given);
  }

  private stepWith(gradients: Gradients<string, Native>): MaybePromise<void> {
    validateGradients(this.shapes, this.sizes, gradients);
    // The caller may reuse its arrays as soon as this returns, so a step that has to wait keeps them as they are.
    return this.turns.take(this.turns.idle ? gradients : mapValues(gradients, kept), (held) => this.stepNow(held));
  }

  set(address: string, value: Scalar): void {
    const hyper = this.layout.find(address);
    checkScalar(hyper, value, this.layout.precision);
    this.runner.live.set(hyper, value);
  }

  save(): MaybePromise<Uint8Array> {
    this.usable('save');
    const keys = [...this.names.map(parameterKey), ...this.layout.slots.keys()];
    return this.turns.take(keys, (all) =>
      whenDone(this.memory.snapshot(all), (tensors) => encodeSafetensors({ tensors, metadata: encodeHost(this.hostState()) })),
    );
  }

  load(file: Uint8Array): MaybePromise<LoadReport> {
    if (this.disposed) throw new DisposedError('load');
    return this.turns.take(file, (saved) => this.loadNow(saved));
  }

  finalize(): MaybePromise<void> {
    this.usable('finalize');
    return this.turns.take<Moment, void>('finalize', (moment) => this.once(moment));
  }

  async settled(): Promise<void> {
    await this.turns.afterwards(() => this.background?.settled());
  }

  explain(calls?: number): Explanation {
    return explain(this.transform, this.shapes, calls, this.layout.deviceDecides, this.backend.precision);
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
  once(moment: Moment): MaybePromise<void> {
    const plan = this.planner.once(moment);
    return whenDone(this.run(plan), () =>
      whenDone(this.runner.verdict(plan), (entries) => {
        const refusals = refusalsOf(plan, entries ?? []);
        this.runner.keep(this.planner.plans);
        if (refusals.length === 0) return;
        this.dispose();
        throw new TransformError(refusals.join('; '));
      }),
    );
  }

  private askThenStep(objective: Objective<string, Mode, Native>): MaybePromise<void> {
    const gradients = this.inquiry.ask(() => objective.gradients());
    return whenDone(gradients, (given) => {
      validateGradients(this.shapes, this.sizes, given);
      return this.stepNow(given, objective);
    });
  }

  private stepNow(gradients: Gradients<string, Native>, objective?: Objective<string, Mode, Native>): MaybePromise<void> {
    this.background?.look();
    let missing = 0;
    this.names.forEach((name, i) => {
      const gradient = gradients[name];
      const buffer = this.gradientBuffers[i];
      if (gradient === undefined || gradient === null || buffer === undefined) missing++;
      else this.backend.write(buffer, gradient);
    });
    if (missing === this.names.length) return undefined;
    const present =
      missing === 0 ? this.everyName : new Set(this.names.filter((name) => gradients[name] !== undefined && gradients[name] !== null));
    const kind = missing === 0 ? '' : JSON.stringify([...present]);
    const passes = this.layout.deviceDecides ? true : this.check(present, kind);
    return whenDone(passes, (passed) =>
      whenDone(passed ? this.probe(present, kind, objective) : undefined, () => this.apply(present, kind, passed, objective)),
    );
  }

  private apply(
    present: ReadonlySet<string>,
    kind: string,
    passed: boolean,
    objective: Objective<string, Mode, Native> | undefined,
  ): MaybePromise<void> {
    const plan = this.planner.step(present, kind, passed, objective?.samples);
    return whenDone(this.inquiry.supply(plan, objective, this.random.draws), () =>
      whenDone(this.run(plan), () => {
        this.counters.apply(plan.counted, plan.reset);
        this.background?.after(plan);
        if (passed) this.call++;
        else this.skipped++;
      }),
    );
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
  private check(present: ReadonlySet<string>, kind: string): MaybePromise<boolean> {
    const plan = this.planner.check(present, kind);
    return whenDone(this.run(plan), () => {
      const verdict = this.runner.verdict(plan);
      return verdict === undefined ? true : whenDone(verdict, (entries) => passes(plan, entries));
    });
  }

  private run(plan: Plan): MaybePromise<void> {
    // Plans that became void are freed before the next one is made.
    if (this.runner.programs > this.planner.plans.length) this.runner.keep(this.planner.plans);
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

  private hostState(): HostState {
    const hypers = [...this.runner.live].flatMap(([hyper, value]) =>
      typeof value === 'number' ? [[this.layout.address(hyper), value] as const] : [],
    );
    return {
      counters: Object.fromEntries(this.counters.entries()),
      call: this.call,
      skipped: this.skipped,
      seed: this.random.seed,
      hypers: Object.fromEntries(hypers),
      parameters: this.shapes,
      joins: this.layout.joins(),
    };
  }

  private loadNow(file: Uint8Array): LoadReport {
    const saved = decodeSafetensors(file);
    const host = decodeHost(saved.metadata);
    const { writes, report } = match(saved, host, this.shapes, this.layout);
    for (const { key, slot } of this.layout.slots.values()) if (!writes.has(key)) this.memory.initialize(key, slot);
    for (const [key, { data }] of writes) this.memory.write(key, data);
    for (const hyper of this.runner.live.keys()) {
      const value = host.hypers[this.layout.address(hyper)];
      if (value !== undefined && hyper.range.holds(value)) this.runner.live.set(hyper, value);
    }
    this.call = host.call;
    this.skipped = host.skipped;
    this.random = { ...this.random, seed: host.seed };
    this.counters.load(Object.entries(host.counters));
    this.background?.abandon();
    this.planner = this.makePlanner();
    this.runner.keep([]);
    this.interruption = undefined;
    return report;
  }

  private makePlanner(): Planner {
    return new Planner(this.transform, this.shapes, this.layout, this.counters, this.random, this.background);
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
