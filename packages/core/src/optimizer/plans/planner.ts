import { warn } from '../../log.ts';
import type { Moment, Shapes, Transform } from '../../transform/transform.ts';
import type { Randomness } from '../memory/randomness.ts';
import type { Counters } from './counters.ts';
import type { Standing } from './deferred.ts';
import { Facts } from './facts.ts';
import type { DeclaredSlot, Layout } from './layout.ts';
import type { Measures } from './measures.ts';
import type { Plan } from './plan.ts';
import { PlanTree } from './plan-tree.ts';
import type { Question } from './step-trace.ts';
import { type Live, type Traced, Tracer } from './tracer.ts';

const declaredValue: Live = ({ value }, step) => (typeof value === 'function' ? value(step) : value);

interface PlannerContext {
  readonly facts?: Facts;
  readonly live?: Live;
  readonly standing?: Standing | undefined;
  readonly measures?: Measures | undefined;
}

/** Has a transform traced once per kind of step that really comes up, and finds the plan again afterwards. */
export class Planner {
  private readonly tree = new PlanTree();
  private readonly tracer: Tracer;
  private readonly layout: Layout;
  private readonly counters: Counters;
  private readonly standing: Standing | undefined;
  private readonly measures: Measures | undefined;
  private readonly facts: Facts;
  private readonly live: Live;
  /** From this many plans on, something is traced anew that should be a host scalar. */
  private readonly bound: number;
  private splits = 0;
  /** Grows when plans become void. */
  generation = 0;
  /** The version of the facts that all plans are in keeping with. */
  private settled = 0;
  /** All plans in use. */
  readonly plans: Plan[] = [];

  constructor(
    transform: Transform,
    shapes: Shapes,
    layout: Layout,
    counters: Counters,
    random: Randomness,
    { facts = new Facts(layout), live = declaredValue, standing, measures }: PlannerContext = {},
  ) {
    this.tracer = new Tracer({ transform, shapes, layout, counters, random, facts, live, standing });
    this.layout = layout;
    this.counters = counters;
    this.standing = standing;
    this.measures = measures;
    this.facts = facts;
    this.live = live;
    // A parameter may have plans of its own, for each place in a window with and without a gradient.
    const own = layout.apart.has('late') ? 32 : 8;
    this.bound = (measures === undefined ? 1 : 2) * (64 + own * Object.keys(shapes).length);
  }

  /** The plan of the step at hand. `present` names the gradients that came; `decides`: the device is to look at them; `measured`: for metrics. */
  step(present: ReadonlySet<string>, kind: string, decides: boolean, samples?: number, measured = false): Plan {
    const measures = measured ? this.measures : undefined;
    return this.find(this.keyOf(kind, decides, samples, measured), () => this.tracer.step('step', present, decides, { samples, measures }));
  }

  /** Whether that plan of all parameters is there already. */
  knows(decides: boolean, samples?: number, measured = false): boolean {
    return this.found(this.keyOf('', decides, samples, measured), noOne) !== undefined;
  }

  private keyOf(kind: string, decides: boolean, samples: number | undefined, measured: boolean): string {
    return `step ${decides} ${samples ?? ''} ${measured && this.measures !== undefined ? 'measured' : ''} ${kind}`;
  }

  /** The plan of one parameter's step, with its gradient or without, where each is stepped apart. */
  alone(name: string, present: ReadonlySet<string>, measured = false): Plan {
    const measures = measured && present.has(name) ? this.measures : undefined;
    const key = `alone ${present.has(name)} ${measures === undefined ? '' : 'measured'} ${name}`;
    return this.find(key, () => this.tracer.step('step', present, false, { measures, alone: { name, present } }), present);
  }

  /** The plan of what all have to know then: one, whoever has a gradient. */
  joint(): Plan {
    return this.find('joint', () => this.tracer.joint());
  }

  /** What closes windows with what they hold, without a call. */
  flush(): Plan {
    return this.find('flush', () => this.tracer.step('step', new Set(), false, { flush: true }));
  }

  /** The plan of the pass that finds what the objective is to multiply by the Hessian. */
  probe(present: ReadonlySet<string>, kind: string, samples?: number): Plan {
    return this.find(`probe ${samples ?? ''} ${kind}`, () => this.tracer.step('probe', present, false, { samples }));
  }

  /** The plan of the pass that decides whether this call is dropped. */
  check(present: ReadonlySet<string>, kind: string): Plan {
    return this.find(`check ${kind}`, () => this.tracer.step('check', present, false));
  }

  /** What is done to parameters and state at `moment`; not kept. */
  once(moment: Exclude<Moment, 'evaluate'>): Plan {
    return this.tracer.outside(moment).plan;
  }

  /** What slots start from that no host knows: their parameters, and draws; not kept. */
  starts(slots: readonly DeclaredSlot[]): Plan {
    return this.tracer.starts(slots);
  }

  /** What the model is judged with, where that is not the parameters: in buffers of its own. */
  evaluation(): Plan {
    return this.find('evaluate', () => this.tracer.outside('evaluate'));
  }

  private find(key: string, trace: () => Traced, present: ReadonlySet<string> = noOne): Plan {
    return this.found(key, present) ?? this.hang(key, trace);
  }

  private found(key: string, present: ReadonlySet<string>): Plan | undefined {
    if (this.splits !== this.counters.splits) this.forget();
    if (this.settled !== this.facts.version) this.settle();
    return this.tree.find(key, (question) => this.ask(question, present));
  }

  /** Takes every plan into the induction again; those whose proof does not hold any more are made anew when they come up. */
  private settle(): void {
    while (this.settled !== this.facts.version) {
      this.settled = this.facts.version;
      for (const plan of [...this.plans]) {
        const { sound } = plan;
        if (sound !== undefined && this.facts.unproved(sound.bare, sound.finite).length > 0 && sound.proved) this.drop(plan);
      }
    }
  }

  private drop(plan: Plan): void {
    this.tree.remove(plan);
    this.plans.splice(this.plans.indexOf(plan), 1);
    this.generation++;
  }

  private ask(question: Question, present: ReadonlySet<string>): string {
    if (question.about === 'deferred') return this.standing?.answer ?? question.answer;
    if (question.about === 'call') return question.ask(present);
    const { cell, includes, ask } = question;
    return ask(this.counters.valueOf(cell) + includes);
  }

  private hang(key: string, traceOnce: () => Traced): Plan {
    if (this.plans.length >= this.bound) this.forget();
    const { trace, plan } = traceOnce();
    // Counters that part make every earlier program void: their host scalars stood for both.
    if (trace.pass === 'step' && this.counters.separate(trace.effects)) {
      this.forget();
      return this.hang(key, traceOnce);
    }
    this.tree.hang(key, trace.questions, plan);
    this.plans.push(plan);
    if (this.plans.length === this.bound) {
      warn(`one optimizer has traced ${this.bound} programs; does a phase have an answer of its own for every step?`);
    }
    return plan;
  }

  private forget(): void {
    this.tree.clear();
    this.plans.length = 0;
    this.generation++;
    this.splits = this.counters.splits;
    this.settled = this.facts.version;
  }

  /** A hyperparameter has left the place that a plan was proved for: other places are assumed, and plans made anew. */
  outgrow({ hypers }: Plan): void {
    for (const { hyper, clock } of hypers)
      this.facts.assume(this.layout.address(hyper), hyper, this.live(hyper, this.counters.valueOf(clock)));
    this.forget();
  }
}

const noOne: ReadonlySet<string> = new Set();
