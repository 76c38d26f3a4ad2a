import { type MaybePromise, type Mode, whenDone } from '../../backend.ts';
import type { Objective } from '../../objective/objective.ts';
import type { Shapes, Transform } from '../../transform/transform.ts';
import type { Bounds } from '../checkpoint/bounds.ts';
import type { Tally } from '../checkpoint/checkpoints.ts';
import { allFinite, isArray } from '../memory/floats.ts';
import type { Randomness } from '../memory/randomness.ts';
import { inTurn } from '../memory/turns.ts';
import { areApart } from '../plans/apart.ts';
import type { Counters } from '../plans/counters.ts';
import { Facts } from '../plans/facts.ts';
import { lacking } from '../plans/lacking.ts';
import { type DeclaredSlot, isProbed, type Layout } from '../plans/layout.ts';
import { Due, type Measures } from '../plans/measures.ts';
import type { Plan } from '../plans/plan.ts';
import { Planner } from '../plans/planner.ts';
import { isMade } from '../plans/starts.ts';
import { Gathered } from '../questions/gathered.ts';
import type { Inquiry } from '../questions/inquiry.ts';
import type { Questions } from '../questions/questions.ts';
import type { Background } from './background.ts';
import { Dropped } from './dropped.ts';
import type { Found } from './intake.ts';
import type { Runner } from './runner.ts';
import { passes } from './verdicts.ts';

/** What was found out of gradients before a step. */
type Finding = 'finite' | 'poisoned' | 'unseen';

/** The plans of a step in which each parameter has its own, and before them that of what all have to know. */
interface Apart {
  readonly joint: Plan | undefined;
  readonly plans: readonly Plan[];
}

/** What one optimizer's steps are made with. */
export interface Workshop<Native, Buffer> {
  readonly transform: Transform;
  readonly shapes: Shapes;
  readonly layout: Layout;
  readonly counters: Counters;
  readonly runner: Runner<Native, Buffer>;
  readonly inquiry: Inquiry<Native, Buffer>;
  readonly questions: Questions<Native, Buffer>;
  readonly background: Background<Native, Buffer> | undefined;
  readonly measures: Measures | undefined;
}

/** Takes steps: is it to be dropped? what does the objective say? which plan is it? run it, look at what came out, count. */
export class Steps<Native, Buffer> {
  /** Steps taken. */
  call = 0;
  readonly dropped: Dropped;
  random: Randomness;
  planner: Planner;
  private readonly shop: Workshop<Native, Buffer>;
  private readonly names: readonly string[];
  private readonly everyName: ReadonlySet<string>;
  private facts: Facts;
  private due: Due;
  /** The objectives of a window that is open. */
  private gathered = new Gathered<Native>();
  /** Of the plans that were run last. */
  private generation = 0;
  /** Whether parameters were stepped apart, and how many plans of all of them may be made after that. */
  private parted = false;
  private spare = 2;

  constructor(shop: Workshop<Native, Buffer>, random: Randomness) {
    this.shop = shop;
    this.random = random;
    this.names = Object.keys(shop.shapes);
    this.everyName = new Set(this.names);
    this.dropped = new Dropped(shop.layout);
    this.facts = new Facts(shop.layout);
    this.due = new Due(shop.measures);
    this.planner = this.makePlanner();
  }

  /** Goes on from a checkpoint that was written into memory. */
  restart({ call, skipped, seed }: Tally, bounds: ReadonlyMap<string, Bounds>): void {
    this.facts = new Facts(this.shop.layout);
    this.due = new Due(this.shop.measures);
    this.gathered = new Gathered();
    for (const [key, known] of bounds) this.facts.observe(key, known);
    [this.call, this.dropped.calls, this.random] = [call, skipped, { ...this.random, seed }];
    this.planner = this.makePlanner();
    this.shop.runner.keep([]);
  }

  /** One step on gradients that are in their buffers; `found` says what was handed over, in the order of the names. */
  take(found: Found<Native>, objective: Objective<string, Mode, Native> | undefined): MaybePromise<void> {
    this.shop.inquiry.begin();
    let missing = 0;
    for (const gradient of found) if (gradient === undefined) missing++;
    if (missing === found.length) return undefined;
    const present = missing === 0 ? this.everyName : new Set([...this.everyName].filter((_, i) => found[i] !== undefined));
    const kind = missing === 0 ? '' : JSON.stringify([...present]);
    const verdict = this.shop.layout.deviceDecides ? this.lookAt(found, present, kind) : this.check(present, kind);
    return whenDone(verdict, (finding) => {
      if (finding === 'poisoned') return void this.dropped.note();
      return whenDone(this.probe(present, kind, objective), () => this.apply(present, kind, finding === 'unseen', objective));
    });
  }

  /** Gives slots what they start from that are to start anew, where a program has to make that. */
  start(slots: readonly DeclaredSlot[]): MaybePromise<void> {
    const made = slots.filter(isMade);
    if (made.length === 0) return undefined;
    const plan = this.planner.starts(made);
    return whenDone(this.shop.inquiry.supply(plan, undefined, this.random.draws), () => this.run(plan));
  }

  /** Runs what a plan has to run. */
  run(plan: Plan): MaybePromise<void> {
    // Plans that became void are freed before the next one is made.
    if (this.planner.generation !== this.generation) this.shop.runner.keep(this.planner.plans);
    this.generation = this.planner.generation;
    this.shop.background?.reserve(plan);
    return this.shop.runner.run(plan, this.call);
  }

  private apply(
    present: ReadonlySet<string>,
    kind: string,
    decides: boolean,
    objective: Objective<string, Mode, Native> | undefined,
  ): MaybePromise<void> {
    const apart = decides || this.asOne(kind, objective?.samples) ? undefined : this.separately(present);
    if (apart !== undefined) return this.applyEach(apart, present);
    const plan = this.planFor(present, kind, decides, objective?.samples);
    return whenDone(this.carryOut(plan, objective), (taken) => {
      if (taken) this.took([plan]);
    });
  }

  /** Closes windows with what they hold; false where none holds anything. */
  flush(): MaybePromise<boolean> {
    this.shop.inquiry.begin();
    const plan = this.fitting(() => this.planner.flush());
    if (plan.program === undefined) return false;
    return whenDone(this.carryOut(plan, undefined), (taken) => {
      if (taken) this.call++;
      return taken;
    });
  }

  /** Asks and runs what a plan has to; false where the step is dropped. */
  private carryOut(plan: Plan, objective: Objective<string, Mode, Native> | undefined): MaybePromise<boolean> {
    const { inquiry, runner, counters, background } = this.shop;
    return whenDone(inquiry.supply(plan, objective, this.random.draws), (): MaybePromise<boolean> => {
      if (this.dropped.isPoisoned(inquiry.poison)) return this.dropped.note();
      return whenDone(this.ask(plan, objective), () =>
        whenDone(this.run(plan), () =>
          whenDone(runner.verdict(plan), (entries) => {
            if (entries !== undefined && !this.dropped.tookEffect(plan, entries)) return this.dropped.note();
            counters.apply(plan.counted, plan.reset);
            background?.after(plan);
            this.gathered.after(plan, objective);
            return true;
          }),
        ),
      );
    });
  }

  /** Runs what comes before the questions of a plan, and asks them: nothing of the step has taken effect then. */
  private ask(plan: Plan, given: Objective<string, Mode, Native> | undefined): MaybePromise<void> {
    if (plan.asking.length === 0) return undefined;
    const { questions, counters } = this.shop;
    const objectives = this.gathered.all(plan, given, counters).map((objective) => questions.able(plan, objective));
    return inTurn(plan.asking, (asking) =>
      whenDone(this.run(asking.plan), () => inTurn(asking.questions, (question) => questions.ask(question, objectives))),
    );
  }

  /**
   * Whether all parameters are stepped by one plan. Counts that have parted make plans of all of them many: after some, parameters are stepped
   * apart whichever gradients came.
   */
  private asOne(kind: string, samples: number | undefined): boolean {
    if (kind !== '' || !this.parted || this.planner.knows(false, samples, this.due.at(this.call))) return kind === '';
    return this.spare-- > 0;
  }

  /** A plan for each parameter, where those together do what one plan for all would, and none can fail alone. */
  private separately(present: ReadonlySet<string>): Apart | undefined {
    const { transform, layout } = this.shop;
    if (transform.separable !== true || layout.needs.length > 0) return undefined;
    // A parameter may be stepped for what it had in earlier calls.
    const owners = layout.apart.has('late') ? this.names : [...present];
    for (;;) {
      const { generation } = this.planner;
      const joint = layout.apart.has('joint') ? this.fitting(() => this.planner.joint()) : undefined;
      const measured = this.due.at(this.call);
      const plans = owners.map((name) => this.fitting(() => this.planner.alone(name, present, measured)));
      if (generation !== this.planner.generation) continue;
      return areApart(owners, plans, joint) ? { joint, plans } : undefined;
    }
  }

  private applyEach({ joint, plans }: Apart, present: ReadonlySet<string>): MaybePromise<void> {
    this.parted = true;
    if (joint?.program !== undefined) this.shop.runner.tell(joint.program, present);
    return whenDone(
      inTurn(joint === undefined ? plans : [joint, ...plans], (plan) => this.run(plan)),
      () => {
        this.shop.counters.apply(new Set(plans.flatMap(({ counted }) => counted)), new Set(plans.flatMap(({ reset }) => reset)));
        this.took(plans);
      },
    );
  }

  private took(plans: readonly Plan[]): void {
    if (this.due.at(this.call)) this.due.took(this.call, plans);
    this.call++;
  }

  private planFor(present: ReadonlySet<string>, kind: string, decides: boolean, samples: number | undefined): Plan {
    const measured = this.due.at(this.call);
    return this.fitting(() => this.planner.step(present, kind, decides, samples, measured));
  }

  /** A plan that is proved for the hyperparameters there are now. */
  private fitting(find: () => Plan): Plan {
    const plan = find();
    if (this.shop.runner.fits(plan)) return plan;
    this.planner.outgrow(plan);
    return find();
  }

  /** What the host can see where it must not wait for the device: gradients that came as arrays. */
  private lookAt(found: Found<Native>, present: ReadonlySet<string>, kind: string): Finding {
    const { onlyInputs, verdicts } = this.checkFor(present, kind);
    if (!onlyInputs) return 'unseen';
    if (!this.shop.layout.guarded) return 'finite';
    let finding: Finding = 'finite';
    // A guard inside a window sees nothing of a call that collects: what comes in is looked at then, or the window would close too early.
    const all = verdicts.length === 0 || verdicts.length === this.names.length;
    const guarded = all ? this.everyName : new Set(verdicts.map(({ owner }) => owner));
    for (const [i, gradient] of found.entries()) {
      if (gradient === undefined || !guarded.has(this.names[i] ?? '')) continue;
      if (!isArray(gradient)) finding = 'unseen';
      else if (!allFinite(gradient)) return 'poisoned';
    }
    return finding;
  }

  /** Has the objective multiply by the Hessian what this step wants multiplied. */
  private probe(present: ReadonlySet<string>, kind: string, objective: Objective<string, Mode, Native> | undefined): MaybePromise<void> {
    if (!this.shop.layout.needs.some(isProbed)) return undefined;
    const plan = this.planner.probe(present, kind, objective?.samples);
    if (plan.program === undefined) return undefined;
    if (objective === undefined) throw lacking('hvp', this.shop.layout.needs);
    return whenDone(this.shop.inquiry.supply(plan, objective, this.random.draws), () =>
      whenDone(this.run(plan), () => this.shop.inquiry.product(plan, objective)),
    );
  }

  /** Whether the call may go on; decided before anything is written. */
  private check(present: ReadonlySet<string>, kind: string): MaybePromise<Finding> {
    const plan = this.checkFor(present, kind);
    return whenDone(this.run(plan), () => {
      const verdict = this.shop.runner.verdict(plan);
      return verdict === undefined ? 'finite' : whenDone(verdict, (entries) => (passes(plan, entries, present) ? 'finite' : 'poisoned'));
    });
  }

  /** Where each gradient is looked at by itself, one program looks at all of them, whichever came. */
  private checkFor(present: ReadonlySet<string>, kind: string): Plan {
    const all = this.planner.check(this.everyName, '');
    return kind === '' || all.onlyInputs ? all : this.planner.check(present, kind);
  }

  private makePlanner(): Planner {
    const { transform, shapes, layout, counters, runner, background, measures } = this.shop;
    const context = { facts: this.facts, live: runner.valueAt, standing: background, measures };
    return new Planner(transform, shapes, layout, counters, this.random, context);
  }
}
