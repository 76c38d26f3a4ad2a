import { type Backend, type Executable, type Floats, isPromise, type MaybePromise, type Mode, whenDone } from '../backend.ts';
import { BackendError, DisposedError, StepInterrupted } from '../errors.ts';
import { checkValue, type Hyper, type Scalar } from '../options/hyper.ts';
import { HostEvaluator } from '../program/host.ts';
import { precisions } from '../program/precision.ts';
import type { Program } from '../program/program.ts';
import type { Counters } from './counters.ts';
import { verdictKey } from './keys.ts';
import type { Memory } from './memory.ts';
import type { HyperInput, Plan } from './planner.ts';

/** A plan made ready on a backend: nothing is allocated when it runs. */
interface Prepared<Buffer> {
  readonly executable: Executable;
  readonly evaluator: HostEvaluator;
  readonly hypers: Float64Array;
  readonly counts: Float64Array;
  /** Where the verdict of a check pass arrives. */
  readonly verdict: Buffer | undefined;
}

/** Runs plans: compiles each once, computes its host scalars before every run. */
export class Runner<Native, Buffer> {
  /** The values hyperparameters have at present. */
  readonly live: Map<Hyper, Scalar> = new Map();
  private readonly backend: Backend<Mode, Mode, Native, Buffer>;
  private readonly memory: Memory<Native, Buffer>;
  private readonly counters: Counters;
  private readonly prepared = new Map<Plan, Prepared<Buffer>>();
  private closed = false;

  constructor(backend: Backend<Mode, Mode, Native, Buffer>, memory: Memory<Native, Buffer>, counters: Counters) {
    this.backend = backend;
    this.memory = memory;
    this.counters = counters;
  }

  /** Programs compiled and held. */
  get programs(): number {
    return this.prepared.size;
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

  /** What a check pass found, after it ran; undefined where it had nothing to look at. */
  verdict(plan: Plan): MaybePromise<Floats> | undefined {
    const buffer = this.prepared.get(plan)?.verdict;
    return buffer === undefined ? undefined : this.backend.readBuffer(buffer);
  }

  /** Frees every plan that is not in `kept`. */
  keep(kept: readonly Plan[]): void {
    for (const [plan, { executable, verdict }] of this.prepared) {
      if (kept.includes(plan)) continue;
      executable.dispose();
      if (verdict !== undefined) this.backend.release(verdict);
      this.prepared.delete(plan);
    }
  }

  /** Frees every plan, also the one that may be compiling. */
  close(): void {
    this.closed = true;
    this.keep([]);
  }

  private execute(plan: Plan, { executable, evaluator, hypers, counts }: Prepared<Buffer>, call: number): MaybePromise<void> {
    for (let i = 0; i < hypers.length; i++) hypers[i] = this.valueOf(plan.hypers[i]);
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
    if (input === undefined) return 0;
    const value = this.live.get(input.hyper) ?? input.hyper.value;
    if (typeof value === 'number') return this.rounded(input.hyper, value);
    const now = value(this.counters.valueOf(input.clock));
    checkValue(input.hyper, now, precisions[this.backend.precision]);
    return this.rounded(input.hyper, now);
  }

  /** A hyperparameter as programs have it, so that β and 1 − β, rounded each, still make 1. */
  private rounded({ range }: Hyper, value: number): number {
    const single = Math.fround(value);
    return this.backend.precision === 'f32' && range.holds(single) ? single : value;
  }

  private prepare(plan: Plan, program: Program): MaybePromise<Prepared<Buffer>> {
    if (this.closed) throw new DisposedError('step');
    const verdict = plan.verdicts.length === 0 ? undefined : this.backend.create('output', verdictKey, [plan.verdicts.length], 'working');
    for (const { key, shape } of program.outputs) if (key !== verdictKey) this.memory.ensure('output', key, shape);
    const bind = (key: string): Buffer => {
      const buffer = key === verdictKey ? verdict : this.memory.buffer(key);
      if (buffer === undefined) throw new BackendError(`program '${program.name}' uses '${key}', which has no buffer`);
      return buffer;
    };
    return whenDone<Executable, Prepared<Buffer>>(this.backend.compile(program, bind), (executable) => {
      if (this.closed) {
        executable.dispose();
        if (verdict !== undefined) this.backend.release(verdict);
        throw new DisposedError('step');
      }
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
}

function interrupted(cause: unknown): never {
  throw new StepInterrupted(`step: a program failed while it ran (${String(cause)}); load a checkpoint to go on`, { cause });
}
