import { TransformError } from '../../errors.ts';
import { warn } from '../../log.ts';
import type { Hyper } from '../../options/hyper.ts';
import type { Span } from '../../program/interval.ts';
import type { Program } from '../../program/program.ts';
import { mapValues, record } from '../../records.ts';
import { where } from '../../trace/functions.ts';
import { during } from '../../trace/graph.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { finishProgram } from '../../trace/trace.ts';
import type { Moment, Pass, Shapes, Transform } from '../../transform/transform.ts';
import { evaluationKey, gradientKey, parameterKey, presentKey, probeKey } from '../memory/keys.ts';
import type { Randomness } from '../memory/randomness.ts';
import { cutPlan } from './asking.ts';
import type { Counters } from './counters.ts';
import { merged, type Standing } from './deferred.ts';
import { Facts } from './facts.ts';
import type { DeclaredSlot, Layout } from './layout.ts';
import type { Measures } from './measures.ts';
import { nameOf } from './name.ts';
import { changedSlots, handedOver, movedParameters } from './outputs.ts';
import type { Plan, SoundPlan } from './plan.ts';
import { PlanTree } from './plan-tree.ts';
import { soundProgram } from './soundness.ts';
import { startOf } from './starts.ts';
import { StepSite } from './step-site.ts';
import { type Alone, type Question, StepTrace } from './step-trace.ts';

/** A plan with the trace that says where it is to hang. */
type Hung = { readonly trace: StepTrace; readonly plan: Plan };

/** What a hyperparameter is after so many steps. */
export type Live = (hyper: Hyper, step: number) => number;

const declaredValue: Live = ({ value }, step) => (typeof value === 'function' ? value(step) : value);

/** What else a trace of a step is for. */
interface TraceOptions {
  readonly samples?: number | undefined;
  readonly measures?: Measures | undefined;
  readonly flush?: boolean;
  readonly alone?: Alone;
}

interface PlannerContext {
  readonly facts?: Facts;
  readonly live?: Live;
  readonly standing?: Standing | undefined;
  readonly measures?: Measures | undefined;
}

/** Traces a transform once per kind of step that really comes up, and finds the plan again afterwards. */
export class Planner {
  private readonly tree = new PlanTree();
  private readonly transform: Transform;
  private readonly shapes: Shapes;
  private readonly layout: Layout;
  private readonly counters: Counters;
  private readonly random: Randomness;
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
    this.transform = transform;
    this.shapes = shapes;
    this.layout = layout;
    this.counters = counters;
    this.random = random;
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
    return this.find(this.keyOf(kind, decides, samples, measured), () => this.trace('step', present, decides, { samples, measures }));
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
    return this.find(key, () => this.trace('step', present, false, { measures, alone: { name, present } }), present);
  }

  /** The plan of what all have to know then: one, whoever has a gradient. */
  joint(): Plan {
    return this.find('joint', () => this.traceJoint());
  }

  /** What closes windows with what they hold, without a call. */
  flush(): Plan {
    return this.find('flush', () => this.trace('step', new Set(), false, { flush: true }));
  }

  /** The plan of the pass that finds what the objective is to multiply by the Hessian. */
  probe(present: ReadonlySet<string>, kind: string, samples?: number): Plan {
    return this.find(`probe ${samples ?? ''} ${kind}`, () => this.trace('probe', present, false, { samples }));
  }

  /** The plan of the pass that decides whether this call is dropped. */
  check(present: ReadonlySet<string>, kind: string): Plan {
    return this.find(`check ${kind}`, () => this.trace('check', present, false));
  }

  /** What is done to parameters and state at `moment`; not kept. */
  once(moment: Exclude<Moment, 'evaluate'>): Plan {
    return this.outside(moment).plan;
  }

  /** What slots start from that no host knows: their parameters, and draws; not kept. */
  starts(slots: readonly DeclaredSlot[]): Plan {
    const trace = new StepTrace(this.layout, this.counters, 'step', false, this.random);
    return during(trace.tracing, () => {
      for (const declared of slots) trace.setSlot(declared, startOf(declared, trace));
      const program = finishProgram('start', trace.tracing, changedSlots(trace));
      this.facts.unproved(program, new Set(Object.keys(this.shapes).map(parameterKey)));
      return this.plan(trace, program);
    });
  }

  /** What the model is judged with, where that is not the parameters: in buffers of its own. */
  evaluation(): Plan {
    return this.find('evaluate', () => this.outside('evaluate'));
  }

  private outside(moment: Moment): Hung {
    const trace = new StepTrace(this.layout, this.counters, 'step', false, this.random);
    return during(trace.tracing, () => {
      const inputs = mapValues(this.shapes, (shape, name) => trace.input(parameterKey(name), shape, 'working'));
      const moved = movedParameters(inputs, this.transform.once?.(moment, inputs, new StepSite(trace)) ?? inputs);
      if (!trace.evaluations.none) throw new TransformError(`evaluate: '${trace.evaluations.names[0]}' is asked outside of a step`);
      const slots = changedSlots(trace);
      const outputs =
        moment === 'evaluate'
          ? moved.map(({ key, value }) => ({ key: evaluationKey(key), value }))
          : [...moved, ...slots, ...trace.verdictOutput()];
      const program = finishProgram(moment, trace.tracing, outputs);
      if (slots.length > 0) this.facts.unproved(program, new Set(Object.keys(this.shapes).map(parameterKey)));
      return { trace, plan: this.plan(trace, program) };
    });
  }

  private find(key: string, trace: () => Hung, present: ReadonlySet<string> = noOne): Plan {
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

  private hang(key: string, traceOnce: () => Hung): Plan {
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

  private traceJoint(): Hung {
    const trace = new StepTrace(this.layout, this.counters, 'joint', false, this.random);
    return during(trace.tracing, () => {
      const parameters = mapValues(this.shapes, (shape, name) => trace.input(parameterKey(name), shape, 'working'));
      const updates = mapValues(this.shapes, (shape, name) => {
        const masked = where(trace.input(presentKey(name), [], 'working'), trace.input(gradientKey(name), shape, 'working'), 0);
        trace.masked.set(name, masked);
        return masked;
      });
      this.transform.apply({ updates, gradients: updates, gains: record(), parameters }, new StepSite(trace));
      for (const name of Object.keys(this.shapes)) for (const key of [parameterKey(name), presentKey(name)]) trace.finite.add(key);
      const program = finishProgram('joint', trace.tracing, trace.joint);
      for (const { key } of trace.joint) this.facts.follow(key);
      const proved = this.facts.unproved(program, trace.finite).length === 0;
      return { trace, plan: this.plan(trace, program, { program, bare: program, proved, finite: trace.finite }) };
    });
  }

  private trace(
    pass: Pass,
    present: ReadonlySet<string>,
    decides: boolean,
    { samples, measures, flush = false, alone }: TraceOptions = {},
  ): Hung {
    const trace = new StepTrace(this.layout, this.counters, pass, decides, this.random, { samples, standing: this.standing, alone });
    return during(trace.tracing, () => {
      const parameters = mapValues(this.shapes, (shape, name) => trace.input(parameterKey(name), shape, 'working'));
      for (const name of Object.keys(this.shapes)) trace.finite.add(parameterKey(name));
      const updates = record<Tensor>();
      for (const [name, shape] of Object.entries(this.shapes))
        if (present.has(name) && (alone === undefined || alone.name === name))
          updates[name] = trace.input(gradientKey(name), shape, 'working');
      const site = new StepSite(trace);
      if (flush) trace.flushing = 'asked';
      else if (pass === 'step') site.tick();
      if (measures !== undefined) trace.clips = new Map();
      const flow = this.transform.apply({ updates, gradients: updates, gains: record(), parameters }, site);
      if (pass === 'check') return { trace, plan: this.plan(trace, finishProgram('check', trace.tracing, trace.verdictOutput())) };
      if (pass === 'probe') {
        const probes = [...trace.probes].map(([name, value]) => ({ key: probeKey(name), value }));
        if (probes.some(({ value }) => trace.evaluations.isBehind(value)))
          throw new TransformError("what `probe` hands over is made of an answer of `evaluate`: ask for the product with want: 'hvp'");
        return { trace, plan: this.plan(trace, finishProgram('probe', trace.tracing, probes)) };
      }

      const moved = movedParameters(parameters, flow.parameters);
      if (Object.keys(flow.updates).length > 0 && moved.length === 0) {
        throw new TransformError(
          `'${this.transform.name}' moves no parameter: it gives a direction only; use rule(direction, descend({ learningRate }))`,
        );
      }
      const outputs = trace.flushing === 'asked' ? [] : [...moved, ...changedSlots(trace), ...handedOver(trace)];
      for (const [address, { hyper, clock }] of trace.hypers) this.assumed(trace, address, hyper, clock);
      const measured = measures?.output(trace, { gradients: updates, before: parameters, after: flow.parameters });
      const name = `${flush ? 'flush' : nameOf(trace, present, this.shapes)}${measured === undefined ? '' : ', measured'}`;
      const sound = soundProgram(name, trace, outputs, this.facts, measured);
      return { trace, plan: this.plan(trace, sound.program, { ...sound, finite: trace.finite }) };
    });
  }

  /** A hyperparameter has left the place that a plan was proved for: other places are assumed, and plans made anew. */
  outgrow({ hypers }: Plan): void {
    for (const { hyper, clock } of hypers)
      this.facts.assume(this.layout.address(hyper), hyper, this.live(hyper, this.counters.valueOf(clock)));
    this.forget();
  }

  private assumed(trace: StepTrace, address: string, hyper: Hyper, clock: string): Span {
    return this.facts.assume(address, hyper, this.live(hyper, this.counters.valueOf(trace.cell(clock))));
  }

  private plan(trace: StepTrace, program: Program, sound?: SoundPlan): Plan {
    // Passes that only look count nothing, and ask for nothing.
    const steps = trace.pass === 'step';
    const effects = steps ? [...trace.effects] : [];
    const requests = steps ? [...trace.requests.values()].map(({ deferred }) => deferred) : [];
    const cellsOf = (effect: string): number[] => [
      ...new Set(effects.filter(([, one]) => one === effect).map(([counter]) => trace.cell(counter))),
    ];
    const hypers = program.host.hypers.map((address) => {
      const used = trace.hypers.get(address);
      if (used === undefined) throw new TransformError(`hyperparameter '${address}' was not asked for at its place`);
      return { hyper: used.hyper, clock: trace.cell(used.clock), assumed: this.assumed(trace, address, used.hyper, used.clock) };
    });
    const whole: Plan = {
      asking: [],
      program: program.outputs.length === 0 ? undefined : program,
      sound,
      onlyInputs: trace.onlyInputs,
      hypers,
      counts: program.host.counters.map((counter) => trace.cell(counter)),
      counted: cellsOf('count'),
      reset: cellsOf('reset'),
      verdicts: trace.verdicts.map(({ passed: _, ...verdict }) => verdict),
      fed: [...trace.fed.values()].filter(({ key }) => program.inputs.some((input) => input.key === key)),
      window: steps ? trace.window : undefined,
      flushes: trace.flushing !== undefined,
      taken: steps ? [...trace.taken] : [],
      deferred: requests.length === 0 ? undefined : { requests, program: merged(requests) },
    };
    return steps ? cutPlan(whole, trace.evaluations.asked()) : whole;
  }
}

const noOne: ReadonlySet<string> = new Set();
