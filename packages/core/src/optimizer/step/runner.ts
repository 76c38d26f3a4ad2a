import { type Backend, type Executable, type Floats, isPromise, type MaybePromise, type Mode, whenDone } from '../../backend.ts';
import { BackendError, DisposedError, StepInterrupted } from '../../errors.ts';
import { checkValue, type Hyper, type Scalar, type Schedule } from '../../options/hyper.ts';
import { HostEvaluator } from '../../program/host.ts';
import { precisions } from '../../program/precision.ts';
import type { Program } from '../../program/program.ts';
import { isPresentKey, nameOfPresent, verdictKey } from '../memory/keys.ts';
import type { Memory } from '../memory/memory.ts';
import { attempt } from '../memory/turns.ts';
import { partsOf } from '../plans/asking.ts';
import type { Counters } from '../plans/counters.ts';
import type { HyperInput, Plan } from '../plans/plan.ts';
import { sayIfSlow } from './slow.ts';

/** The values of hyperparameters, and how often one of them was set. */
export class LiveHypers extends Map<Hyper, Scalar> {
  version = 0;

  override set(hyper: Hyper, value: Scalar): this {
    this.version++;
    return super.set(hyper, value);
  }
}

/** A program made ready on a backend: nothing is allocated when it runs. */
interface Prepared<Buffer> {
  readonly executable: Executable;
  readonly evaluator: HostEvaluator;
  readonly hypers: Float64Array;
  /** The version of the hyperparameters that `hypers` has, if all of them are numbers. */
  current: number | undefined;
  readonly counts: Float64Array;
  /** Where the verdict of a check pass arrives. */
  readonly verdict: Buffer | undefined;
}

/** Runs plans: compiles each once, computes its host scalars before every run. */
export class Runner<Native, Buffer> {
  /** The values hyperparameters have at present. */
  readonly live: LiveHypers = new LiveHypers();
  /** The version of the hyperparameters for which a plan fits, where all of its are numbers. */
  private readonly fitting = new WeakMap<Plan, number>();
  private readonly backend: Backend<Mode, Mode, Native, Buffer>;
  private readonly memory: Memory<Native, Buffer>;
  private readonly counters: Counters;
  private readonly prepared = new Map<Plan, Prepared<Buffer>>();
  /** What schedules said last. */
  private readonly asked = new Map<Hyper, { readonly schedule: Schedule; readonly step: number; readonly value: number }>();
  /** What was said of gradients of this call or an earlier one. */
  private readonly told = new Map<string, number>();
  private closed = false;
  /** Whether it was said that a step takes long, or need not be: on a device that runs beside the host. */
  private announced: boolean;

  constructor(backend: Backend<Mode, Mode, Native, Buffer>, memory: Memory<Native, Buffer>, counters: Counters, announced = false) {
    this.announced = announced;
    this.backend = backend;
    this.memory = memory;
    this.counters = counters;
  }

  /** Programs compiled and held. */
  get programs(): number {
    return this.prepared.size;
  }

  /** What a hyperparameter is after so many steps; throws where a schedule leaves its range. */
  readonly valueAt = (hyper: Hyper, step: number): number => {
    const value = this.live.get(hyper) ?? hyper.value;
    if (typeof value === 'number') return value;
    // Every step asks more than once.
    const last = this.asked.get(hyper);
    if (last !== undefined && last.step === step && last.schedule === value) return last.value;
    const now = value(step);
    checkValue(hyper, now, precisions[this.backend.precision]);
    this.asked.set(hyper, { schedule: value, step, value: now });
    return now;
  };

  /** What a hyperparameter was for the last step that asked for it, or is for the first. */
  lastValue(hyper: Hyper): number {
    const value = this.live.get(hyper) ?? hyper.value;
    if (typeof value === 'number') return value;
    const last = this.asked.get(hyper);
    return last?.schedule === value ? last.value : value(0);
  }

  /** Whether every hyperparameter is where the plan's program was proved for. */
  fits(plan: Plan): boolean {
    if (plan.sound?.proved !== true || this.fitting.get(plan) === this.live.version) return true;
    for (const { hyper, clock, assumed } of plan.hypers) {
      const value = this.valueAt(hyper, this.counters.valueOf(clock));
      if (value < assumed.low || value > assumed.high) return false;
    }
    if (this.areNumbers(plan.hypers)) this.fitting.set(plan, this.live.version);
    return true;
  }

  private areNumbers(hypers: readonly HyperInput[]): boolean {
    return hypers.every(({ hyper }) => typeof (this.live.get(hyper) ?? hyper.value) === 'number');
  }

  /** Runs the plan's program, if it has one. `call` numbers the step, for random draws. */
  run(plan: Plan, call: number): MaybePromise<void> {
    const { program } = plan;
    if (program === undefined) return undefined;
    const known = this.prepared.get(plan);
    return known === undefined
      ? whenDone(this.prepare(plan, program), (prepared) => this.execute(plan, prepared, call))
      : this.execute(plan, known, call);
  }

  /** Tells a program whose gradients came; nothing is written where it knows. */
  tell({ inputs }: Program, present: ReadonlySet<string>): void {
    for (const { key, shape } of inputs) {
      if (!isPresentKey(key)) continue;
      const value = present.has(nameOfPresent(key)) ? 1 : 0;
      if (this.told.get(key) === value) continue;
      this.memory.ensure('output', key, shape);
      this.memory.write(key, [value]);
      this.told.set(key, value);
    }
  }

  /** What a check pass found, after it ran; undefined where it had nothing to look at. */
  verdict(plan: Plan): MaybePromise<Floats> | undefined {
    const buffer = this.prepared.get(plan)?.verdict;
    return buffer === undefined ? undefined : this.backend.readBuffer(buffer);
  }

  /** Frees every plan that is not in `kept`. */
  keep(kept: readonly Plan[]): void {
    const alive = new Set(kept.flatMap(partsOf));
    for (const [plan, { executable, verdict }] of this.prepared) {
      if (alive.has(plan)) continue;
      executable.dispose();
      if (verdict !== undefined) this.backend.release(verdict);
      this.prepared.delete(plan);
    }
  }

  /** Frees every program, also the one that may be compiling. */
  close(): void {
    this.closed = true;
    this.keep([]);
  }

  private execute(plan: Plan, prepared: Prepared<Buffer>, call: number): MaybePromise<void> {
    const { executable, evaluator, hypers, counts } = prepared;
    if (prepared.current !== this.live.version) {
      for (let i = 0; i < hypers.length; i++) hypers[i] = this.valueOf(plan.hypers[i]);
      prepared.current = this.areNumbers(plan.hypers) ? this.live.version : undefined;
    }
    for (let i = 0; i < counts.length; i++) counts[i] = this.counters.valueOf(plan.counts[i] ?? -1) + 1;
    const scalars = evaluator.run(hypers, counts, call);
    try {
      const running = executable.run(scalars);
      return isPromise(running) ? running.catch(interrupted) : running;
    } catch (cause) {
      return interrupted(cause);
    }
  }

  private valueOf(input: HyperInput | undefined): number {
    return input === undefined ? 0 : this.rounded(input.hyper, this.valueAt(input.hyper, this.counters.valueOf(input.clock)));
  }

  /** A hyperparameter as programs have it, so that β and 1 − β, rounded each, still make 1. */
  private rounded({ range, exact }: Hyper, value: number): number {
    if (exact === true) return value;
    const single = Math.fround(value);
    return this.backend.precision === 'f32' && range.holds(single) ? single : value;
  }

  private prepare(plan: Plan, program: Program): MaybePromise<Prepared<Buffer>> {
    if (this.closed) throw new DisposedError('step');
    this.announced ||= sayIfSlow(program);
    const verdict = plan.verdicts.length === 0 ? undefined : this.backend.create('output', verdictKey, [plan.verdicts.length], 'working');
    const failed = (error: unknown): never => {
      if (verdict !== undefined) this.backend.release(verdict);
      throw error;
    };
    const made = (executable: Executable): Prepared<Buffer> => {
      if (this.closed) {
        executable.dispose();
        return failed(new DisposedError('step'));
      }
      const prepared = {
        executable,
        evaluator: new HostEvaluator(program.host),
        hypers: new Float64Array(plan.hypers.length),
        current: undefined,
        counts: new Float64Array(plan.counts.length),
        verdict,
      };
      this.prepared.set(plan, prepared);
      return prepared;
    };
    const bind = (key: string): Buffer => {
      const buffer = key === verdictKey ? verdict : this.memory.buffer(key);
      if (buffer === undefined) throw new BackendError(`program '${program.name}' uses '${key}', which has no buffer`);
      return buffer;
    };
    const compiled = attempt((): MaybePromise<Executable> => {
      for (const { key, shape, dtype } of program.outputs) if (key !== verdictKey) this.memory.ensure('output', key, shape, dtype);
      return this.backend.compile(program, bind);
    }, failed);
    return whenDone(compiled, made);
  }
}

function interrupted(cause: unknown): never {
  throw new StepInterrupted(`step: a program failed while it ran (${String(cause)}); load a checkpoint to go on`, { cause });
}
