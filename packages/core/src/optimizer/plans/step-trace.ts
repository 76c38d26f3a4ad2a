import { TransformError } from '../../errors.ts';
import type { Hyper } from '../../options/hyper.ts';
import type { DType } from '../../program/program.ts';
import { printShape, type Shape, sameShape } from '../../program/shape.ts';
import { sameTensor } from '../../trace/emit.ts';
import { concat } from '../../trace/functions.ts';
import { Tracing } from '../../trace/graph.ts';
import { type Tensor, tensorOf } from '../../trace/tensor.ts';
import { inputTensor, type TracedOutput } from '../../trace/trace.ts';
import type { Pass, Tensors } from '../../transform/transform.ts';
import { gradientKey, verdictKey } from '../memory/keys.ts';
import type { Randomness } from '../memory/randomness.ts';
import type { Part } from '../memory/storage.ts';
import type { Counters, Effect } from './counters.ts';
import { type Deferred, defer, resultsOf, type Standing } from './deferred.ts';
import { Evaluations } from './evaluations.ts';
import type { DeclaredSlot, Layout } from './layout.ts';
import { fromStored, toStored } from './stored.ts';

/** A question a stage asked while it was traced, and what it was told: of a count, how deferred computations stand, or of who has a gradient. */
export type Question =
  | CountQuestion
  | { readonly about: 'deferred'; readonly answer: string; readonly label: string }
  | { readonly about: 'call'; readonly ask: (present: ReadonlySet<string>) => string; readonly answer: string; readonly label: string };

interface CountQuestion {
  readonly about: 'count';
  readonly cell: number;
  /** 1 where the run itself is counted in. */
  readonly includes: number;
  readonly ask: (count: number) => string;
  readonly answer: string;
}

/** Something the host is to look at after a run: whose it is, and what happens where it does not hold. */
export interface Verdict {
  readonly owner: string;
  readonly otherwise: 'skip' | 'throw' | 'warn';
  readonly message: string;
  /** The gradient it is about, and the question that it answers, where the host could not look before the step. */
  readonly gradient?: { readonly of: string; readonly asked: string | undefined };
}

/** A window of calls whose objectives are asked together. */
export interface Window {
  /** Whether this step closes it. */
  readonly closes: boolean;
  /** Of the number of its calls before this one. */
  readonly cell: number;
}

/** One parameter, and whose gradients came in the call. */
export interface Alone {
  readonly name: string;
  readonly present: ReadonlySet<string>;
}

/** A draw that comes from outside. */
export interface FedDraw {
  readonly key: string;
  readonly name: string;
  readonly owner: string;
  readonly shape: Shape;
}

/** Everything one trace of a transform brings to light. */
export class StepTrace {
  readonly tracing: Tracing;
  readonly slots: Map<string, Tensor> = new Map();
  readonly effects: Map<string, Effect> = new Map();
  readonly questions: Question[] = [];
  readonly verdicts: (Verdict & { readonly passed: Tensor })[] = [];
  /** What has to be 1 for the step to be taken, where the device decides. */
  readonly conditions: Tensor[] = [];
  /** Inputs that are finite when the step is taken. */
  readonly finite: Set<string> = new Set();
  /** Whether every tensor that had to be finite is an input: whoever hands the inputs over can see it too. */
  onlyInputs = true;
  /** Slots that count the runs that were dropped. */
  readonly tallies: Map<string, DeclaredSlot> = new Map();
  /** By address: the hyperparameter and the counter its schedule follows. */
  readonly hypers: Map<string, { hyper: Hyper; clock: string }> = new Map();
  readonly layout: Layout;
  readonly counters: Counters;
  readonly pass: Pass;
  /** Whether the device is to decide if this step is dropped: the host has not seen all it depends on. */
  readonly decides: boolean;
  readonly random: Randomness;
  /** What the objective is to multiply by the Hessian, by parameter. */
  readonly probes: Map<string, Tensor> = new Map();
  /** Draws that come from outside, by key. */
  readonly fed: Map<string, FedDraw> = new Map();
  /** What is asked of the objective in the middle of the step. */
  readonly evaluations: Evaluations;
  /** Computations handed over in this step, with what they are to read. */
  readonly requests: Map<string, { readonly deferred: Deferred; readonly given: Tensors }> = new Map();
  /** Computations whose results are read. */
  readonly taken: Set<string> = new Set();
  /** By which factor directions were shortened so far, by parameter; undefined where nobody wants to know. */
  clips: Map<string, Tensor> | undefined;
  /** Set where this is no call but the end of windows, and once one has closed. */
  flushing: 'asked' | 'closing' | undefined;
  /** The window whose objectives are asked. */
  window: Window | undefined;
  /** How many samples the objective at hand has. */
  readonly samples: number | undefined;
  /** The one parameter this is a trace of. */
  readonly alone: Alone | undefined;
  /** In the joint pass: gradients that are 0 where none came, and what is computed of them. */
  readonly masked: Map<string, Tensor> = new Map();
  readonly joint: TracedOutput[] = [];
  private readonly standing: Standing | undefined;
  private readonly asked = new Set<string>();
  private fresh: number | undefined;
  private readonly countOf = new Map<number, string>();

  constructor(
    layout: Layout,
    counters: Counters,
    pass: Pass,
    decides: boolean,
    random: Randomness,
    {
      samples,
      standing,
      alone,
    }: { readonly samples?: number | undefined; readonly standing?: Standing | undefined; readonly alone?: Alone | undefined } = {},
  ) {
    this.tracing = new Tracing(layout.precision.smallest);
    this.layout = layout;
    this.counters = counters;
    this.pass = pass;
    this.decides = decides;
    this.random = random;
    this.samples = samples;
    this.standing = standing;
    this.alone = alone;
    this.evaluations = new Evaluations(layout, this.tracing, this.finite);
  }

  /** The cell of a counter; counters first met in this trace share one. */
  cell(counter: string): number {
    const known = this.counters.find(counter);
    if (known !== undefined) return known;
    this.fresh = this.counters.add(counter, this.fresh);
    return this.fresh;
  }

  /** The host scalar of a counter: one per cell, called after the first counter of it that was used. */
  count(counter: string): number {
    const cell = this.cell(counter);
    const name = this.countOf.get(cell) ?? counter;
    this.countOf.set(cell, name);
    return this.tracing.host.count(name);
  }

  input(key: string, shape: Shape, dtype: DType, symmetric = false): Tensor {
    return inputTensor(this.tracing.graph, key, shape, dtype, symmetric);
  }

  slot(declared: DeclaredSlot): Tensor {
    return this.slots.get(declared.key) ?? this.before(declared);
  }

  /** What a slot held when the step began. */
  private before(declared: DeclaredSlot): Tensor {
    const read = ({ key, shape, dtype }: Part, symmetric: boolean): Tensor => this.input(key, shape, dtype, symmetric);
    return fromStored(declared, this.layout.storage(declared.key), read);
  }

  /** What is written where a slot is set to `value`. */
  stored(key: string, value: Tensor): TracedOutput[] {
    const declared = this.layout.slots.get(key);
    if (declared === undefined) throw new TransformError(`slot '${key}' is written but was not declared`);
    const call = (): Tensor => tensorOf({ shape: [], dtype: 'working', at: { in: 'host', line: this.tracing.host.call() } });
    const storage = this.layout.storage(key);
    const rounding = storage.narrow === undefined ? { stream: 0, half: 0 as const } : this.layout.rounding(key);
    return toStored(declared, storage, value, { seed: this.random.seed, ...rounding }, call);
  }

  /** Has the host, where it may look, find out that a gradient it could not see beforehand was not finite. */
  notice(of: string, passed: Tensor, asked?: string): void {
    if (this.layout.deviceDecides) return;
    this.verdicts.push({ owner: gradientKey(of), passed, otherwise: this.layout.otherwise, message: '', gradient: { of, asked } });
  }

  /** Whether a slot was set to the value it had. */
  unchanged(key: string, value: Tensor): boolean {
    const declared = this.layout.slots.get(key);
    return declared !== undefined && sameTensor(value, this.before(declared));
  }

  /** What the host is to read after a run. */
  verdictOutput(): TracedOutput[] {
    const { verdicts } = this;
    return verdicts.length === 0 ? [] : [{ key: verdictKey, value: concat(verdicts.map(({ passed }) => passed.reshape([1]))) }];
  }

  /** See `Site.later`. */
  later<I extends string>(
    key: string,
    { stage, owner, due }: { readonly stage: string; readonly owner: string; readonly due: boolean },
    inputs: () => Readonly<Record<I, Tensor>>,
    compute: (inputs: Readonly<Record<I, Tensor>>) => Tensors,
  ): Tensors | undefined {
    const { standing } = this;
    if (standing === undefined) return due ? compute(inputs()) : undefined;
    // One question for everything deferred: in the usual run all owners ask together, and are answered together.
    if (this.asked.size === 0) this.questions.push({ about: 'deferred', answer: standing.answer, label: standing.label });
    if (this.asked.has(key)) throw new TransformError(`'${key}' was asked for later twice in one step`);
    this.asked.add(key);
    const known = standing.of(key);
    if (known === 'pending') return undefined;
    if (known !== undefined) {
      this.taken.add(key);
      return resultsOf(known, (kept, shape, dtype) => this.input(kept, shape, dtype));
    }
    if (!due) return undefined;
    const given = inputs();
    const deferred = defer(key, stage, owner, given, compute);
    if (!standing.defers(deferred.program)) return compute(given);
    this.requests.set(key, { deferred, given });
    return undefined;
  }

  setSlot({ key, slot }: DeclaredSlot, value: Tensor): void {
    if (!sameShape(value.shape, slot.shape))
      this.tracing.fail(`slot '${key}' has shape ${printShape(slot.shape)}, received ${printShape(value.shape)}`);
    const own = slot.dtype === 'wide' ? value.wide() : value.working();
    const { within } = slot;
    this.slots.set(key, within === undefined || this.unchanged(key, own) ? own : own.min(within).max(-within));
  }
}
