import type { Backend, Executable, Floats, MaybePromise, Mode } from '../backend.ts';
import { isPromise, whenDone } from '../backend.ts';
import { DisposedError, GradientError, NonFiniteGradientError, StepInterrupted } from '../errors.ts';
import { checkScalar, checkValue, type Hyper, type Scalar } from '../options/hyper.ts';
import { HostEvaluator } from '../program/host.ts';
import { type Shape, size } from '../program/shape.ts';
import { getters, mapValues } from '../records.ts';
import type { Moment, Shapes, Slot, Transform } from '../transform/transform.ts';
import { decodeHost, encodeHost, type LoadReport, match } from './checkpoint.ts';
import { Counters } from './counters.ts';
import type { Optimizer } from './create-optimizer.ts';
import { type Explanation, explain } from './explain.ts';
import { Layout } from './layout.ts';
import { gradientKey, type HyperInput, type Plan, Planner, parameterKey, verdictKey } from './planner.ts';
import { decodeSafetensors, encodeSafetensors, type SavedTensor } from './safetensors.ts';

/** A plan made ready on a backend: nothing is allocated when it runs. */
interface Prepared<Buffer> {
  readonly executable: Executable;
  readonly evaluator: HostEvaluator;
  readonly hypers: Float64Array;
  readonly counts: Float64Array;
  /** Where the verdict of a check pass arrives. */
  readonly verdict: Buffer | undefined;
}

export type Gradients<N extends string, Native> = Readonly<Partial<Record<N, ArrayLike<number> | Native | null | undefined>>>;

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
  private readonly buffers = new Map<string, Buffer>();
  private readonly names: readonly string[];
  private readonly sizes: readonly number[];
  private readonly gradientBuffers: readonly Buffer[];
  private readonly everyName: ReadonlySet<string>;
  private readonly live = new Map<Hyper, Scalar>();
  private readonly prepared = new Map<Plan, Prepared<Buffer>>();
  private planner: Planner;
  private seed: number;
  private call = 0;
  private disposed = false;
  private interrupted: unknown;
  /** The last call that is still under way, on a backend that is not synchronous. */
  private pending: Promise<unknown> | undefined;

  constructor(transform: Transform, placed: readonly Placed<Buffer>[], backend: Backend<Mode, Mode, Native, Buffer>, seed: number) {
    this.transform = transform;
    this.backend = backend;
    this.seed = seed;
    this.names = placed.map(({ name }) => name);
    this.everyName = new Set(this.names);
    this.shapes = Object.fromEntries(placed.map(({ name, shape }) => [name, shape]));
    this.sizes = placed.map(({ shape }) => size(shape));
    this.layout = new Layout(transform, this.shapes, backend.run === 'sync' && backend.read === 'async');
    for (const hyper of this.layout.hypers.keys()) this.live.set(hyper, hyper.value);
    for (const { name, buffer } of placed) this.buffers.set(parameterKey(name), buffer);
    this.gradientBuffers = placed.map(({ name, shape }) => this.create('gradient', gradientKey(name), shape, 'working'));
    for (const { key, slot } of this.layout.slots.values()) {
      this.create('slot', key, slot.shape, slot.dtype ?? 'working');
      this.initialize(key, slot);
    }
    this.planner = this.makePlanner();
    this.parameters = getters(this.names, (name) => this.read(parameterKey(name)));
    this.gradients = getters(this.names, (name) => this.read(gradientKey(name)));
    this.state = getters([...this.layout.slots.keys()], (key) => this.read(key));
  }

  get stateBytes(): number {
    return this.layout.bytes(this.backend.precision === 'f64' ? 8 : 4);
  }

  /** Calls dropped because of a gradient that was not finite. */
  get skippedSteps(): MaybePromise<number> {
    const host = this.counters.entries().reduce((sum, [counter, value]) => sum + (/(^|\/)guard:skipped$/.test(counter) ? value : 0), 0);
    const device = [...this.layout.slots.keys()].filter((key) => /(^|\/)guard\.skipped:$/.test(key)).map((key) => this.read(key));
    return device.reduce<MaybePromise<number>>((sum, value) => whenDone(sum, (a) => whenDone(value, (b) => a + (b[0] ?? 0))), host);
  }

  step(gradients: Gradients<string, Native>): MaybePromise<void> {
    this.usable('step');
    this.validate(gradients);
    if (this.pending === undefined) return this.settle(this.stepNow(gradients));
    // The caller may reuse its arrays as soon as this returns.
    const copy = mapValues(gradients, kept);
    return this.enqueue(() => this.stepNow(copy));
  }

  /** Changes a live hyperparameter: `learningRate`, or with enough of its path in front where several share the name. */
  set(address: string, value: Scalar): void {
    const hyper = this.layout.find(address);
    checkScalar(hyper, value);
    this.live.set(hyper, value);
  }

  save(): MaybePromise<Uint8Array> {
    this.usable('save');
    const keys = [...this.names.map(parameterKey), ...this.layout.slots.keys()];
    const tensors = new Map<string, SavedTensor>();
    const collect = (i: number): MaybePromise<void> => {
      const key = keys[i];
      if (key === undefined) return undefined;
      return whenDone(this.read(key), (data) => {
        tensors.set(key, { shape: this.shapeOf(key), data: data.slice() });
        return collect(i + 1);
      });
    };
    const hypers = [...this.live].flatMap(([hyper, value]) =>
      typeof value === 'number' ? [[this.layout.address(hyper), value] as const] : [],
    );
    const parameters = Object.entries(this.shapes).map(([name, shape]) => [name, shape] as const);
    const host = {
      counters: Object.fromEntries(this.counters.entries()),
      call: this.call,
      seed: this.seed,
      hypers: Object.fromEntries(hypers),
      parameters,
    };
    return whenDone(collect(0), () => encodeSafetensors({ tensors, metadata: encodeHost(host) }));
  }

  load(file: Uint8Array): MaybePromise<LoadReport> {
    if (this.disposed) throw new DisposedError('load');
    return this.pending === undefined ? this.loadNow(file) : this.enqueue(() => this.loadNow(file));
  }

  /** What the transform does once when training ends: an averaged model takes its average. */
  finalize(): MaybePromise<void> {
    this.usable('finalize');
    return this.pending === undefined ? this.settle(this.once('finalize')) : this.enqueue(() => this.once('finalize'));
  }

  explain(calls?: number): Explanation {
    return explain(this.transform, this.shapes, calls, this.layout.deviceDecides);
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.forget([]);
    for (const buffer of this.buffers.values()) this.backend.release(buffer);
    this.buffers.clear();
  }

  /** What the transform does to parameters outside of steps. */
  once(moment: Moment): MaybePromise<void> {
    const plan = this.planner.once(moment);
    return whenDone(this.run(plan), () => this.forget(this.planner.plans));
  }

  /** Programs compiled and held at present. */
  get programs(): number {
    return this.prepared.size;
  }

  private stepNow(gradients: Gradients<string, Native>): MaybePromise<void> {
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
    if (this.layout.deviceDecides) return this.apply(present, kind, true);
    return whenDone(this.check(present, kind), (passed) => this.apply(present, kind, passed));
  }

  private apply(present: ReadonlySet<string>, kind: string, passed: boolean): MaybePromise<void> {
    const plan = this.planner.step(present, kind, passed);
    return whenDone(this.run(plan), () => {
      this.counters.apply(plan.counted, plan.reset);
      if (passed) this.call++;
    });
  }

  /** Whether the call may go on; decided before anything is written. */
  private check(present: ReadonlySet<string>, kind: string): MaybePromise<boolean> {
    const plan = this.planner.check(present, kind);
    if (plan.program === undefined) return true;
    return whenDone(this.run(plan), () => {
      const buffer = this.prepared.get(plan)?.verdict;
      if (buffer === undefined) return true;
      return whenDone(this.backend.readBuffer(buffer), (verdict) => {
        const failed = plan.verdicts.filter((_, i) => verdict[i] !== 1);
        const thrown = failed.filter(({ otherwise }) => otherwise === 'throw').map(({ owner }) => owner);
        if (thrown.length > 0) throw new NonFiniteGradientError(thrown);
        return failed.length === 0;
      });
    });
  }

  private run(plan: Plan): MaybePromise<void> {
    if (plan.program === undefined) return undefined;
    const known = this.prepared.get(plan);
    return known === undefined ? whenDone(this.prepare(plan), (prepared) => this.execute(plan, prepared)) : this.execute(plan, known);
  }

  private execute(plan: Plan, { executable, evaluator, hypers, counts }: Prepared<Buffer>): MaybePromise<void> {
    for (let i = 0; i < hypers.length; i++) hypers[i] = this.valueOf(plan.hypers[i]);
    for (let i = 0; i < counts.length; i++) counts[i] = this.counters.valueOf(plan.counts[i] ?? -1) + 1;
    const scalars = evaluator.run(hypers, counts, this.call);
    try {
      const running = executable.run(scalars);
      return isPromise(running) ? running.catch((cause: unknown) => this.interrupt(cause)) : running;
    } catch (cause) {
      return this.interrupt(cause);
    }
  }

  private valueOf(input: HyperInput | undefined): number {
    if (input === undefined) return 0;
    const value = this.live.get(input.hyper) ?? input.hyper.value;
    if (typeof value === 'number') return value;
    const now = value(this.counters.valueOf(input.clock));
    checkValue(input.hyper, now);
    return now;
  }

  private prepare(plan: Plan): MaybePromise<Prepared<Buffer>> {
    const { program } = plan;
    if (program === undefined) throw new StepInterrupted('a plan without a program cannot be prepared');
    this.forget(this.planner.plans);
    const verdict = plan.verdicts.length === 0 ? undefined : this.backend.create('output', verdictKey, [plan.verdicts.length], 'working');
    const bind = (key: string): Buffer => {
      const buffer = key === verdictKey ? verdict : this.buffers.get(key);
      if (buffer === undefined) throw new StepInterrupted(`program '${program.name}' uses '${key}', which has no buffer`);
      return buffer;
    };
    return whenDone<Executable, Prepared<Buffer>>(this.backend.compile(program, bind), (executable) => {
      const prepared = {
        executable,
        evaluator: new HostEvaluator(program.host),
        hypers: new Float64Array(plan.hypers.length),
        counts: new Float64Array(plan.counts.length),
        verdict,
      };
      this.prepared.set(plan, prepared);
      return prepared;
    });
  }

  /** Frees every prepared plan that is not in `kept`. */
  private forget(kept: readonly Plan[]): void {
    for (const [plan, { executable, verdict }] of this.prepared) {
      if (kept.includes(plan)) continue;
      executable.dispose();
      if (verdict !== undefined) this.backend.release(verdict);
      this.prepared.delete(plan);
    }
  }

  private interrupt(cause: unknown): never {
    this.interrupted = cause;
    throw new StepInterrupted(`step: a program failed while it ran (${String(cause)}); load a checkpoint to go on`, { cause });
  }

  private loadNow(file: Uint8Array): LoadReport {
    const saved = decodeSafetensors(file);
    const host = decodeHost(saved.metadata);
    const { writes, report } = match(saved, host, this.shapes, this.layout);
    for (const { key, slot } of this.layout.slots.values()) if (!writes.has(key)) this.initialize(key, slot);
    for (const [key, { data }] of writes) this.backend.write(this.buffer(key), data);
    for (const [address, value] of Object.entries(host.hypers)) {
      for (const hyper of this.live.keys())
        if (this.layout.address(hyper) === address && hyper.range.holds(value)) this.live.set(hyper, value);
    }
    this.call = host.call;
    this.seed = host.seed;
    this.counters.load(Object.entries(host.counters));
    this.planner = this.makePlanner();
    this.forget([]);
    this.interrupted = undefined;
    return report;
  }

  private makePlanner(): Planner {
    return new Planner(this.transform, this.shapes, this.layout, this.counters, this.seed);
  }

  private initialize(key: string, { shape, init = 0 }: Slot): void {
    const data = new Float64Array(size(shape)).fill(init === 'identity' ? 0 : init);
    const n = shape.at(-1) ?? 1;
    if (init === 'identity') for (let i = 0; i < data.length; i += 1) if (Math.floor(i / n) % n === i % n) data[i] = 1;
    this.backend.write(this.buffer(key), data);
  }

  private create(role: 'gradient' | 'slot', key: string, shape: Shape, dtype: 'working' | 'wide'): Buffer {
    const buffer = this.backend.create(role, key, shape, dtype);
    this.buffers.set(key, buffer);
    return buffer;
  }

  private buffer(key: string): Buffer {
    const buffer = this.buffers.get(key);
    if (buffer === undefined) throw new DisposedError(key);
    return buffer;
  }

  private read(key: string): MaybePromise<Floats> {
    const now = (): MaybePromise<Floats> => this.backend.readBuffer(this.buffer(key));
    return this.pending === undefined ? now() : this.pending.then(now);
  }

  private shapeOf(key: string): Shape {
    return this.layout.slots.get(key)?.slot.shape ?? this.shapes[key.slice(parameterKey('').length)] ?? [];
  }

  private usable(what: string): void {
    if (this.disposed) throw new DisposedError(what);
    if (this.interrupted !== undefined)
      throw new StepInterrupted(`${what}: an earlier step was interrupted; load a checkpoint first`, { cause: this.interrupted });
  }

  private validate(gradients: Gradients<string, Native>): void {
    for (const name in gradients) {
      if (!this.everyName.has(name))
        throw new GradientError(`step: gradient '${name}' belongs to no parameter, known are ${this.names.join(', ')}`);
    }
    this.names.forEach((name, i) => {
      const gradient = gradients[name];
      if (!isArrayLike(gradient)) return;
      if (gradient.length !== this.sizes[i]) {
        throw new GradientError(
          `step: gradient of '${name}' must have ${this.sizes[i]} elements (shape [${this.shapes[name]}]), received ${gradient.length}`,
        );
      }
    });
  }

  private enqueue<T>(f: () => MaybePromise<T>): Promise<T> {
    return this.settle(this.pending === undefined ? Promise.resolve().then(f) : this.pending.then(f));
  }

  /** Remembers a call under way until it is over, however it ends. */
  private settle<T extends MaybePromise<unknown>>(result: T): T {
    if (isPromise(result)) {
      const over = result.then(
        () => undefined,
        () => undefined,
      );
      this.pending = over;
      void over.then(() => {
        if (this.pending === over) this.pending = undefined;
      });
    }
    return result;
  }
}

const isArrayLike = (value: unknown): value is ArrayLike<number> =>
  typeof value === 'object' && value !== null && 'length' in value && typeof value.length === 'number';

/** A host gradient that the caller may overwrite meanwhile, kept as it is now. */
function kept<G>(gradient: G): G | Floats {
  return gradient instanceof Float32Array || gradient instanceof Float64Array ? gradient.slice() : gradient;
}
