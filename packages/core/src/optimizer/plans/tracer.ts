import { TransformError } from '../../errors.ts';
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
import type { Facts } from './facts.ts';
import type { DeclaredSlot, Layout } from './layout.ts';
import type { Measures } from './measures.ts';
import { nameOf } from './name.ts';
import { changedSlots, handedOver, movedParameters } from './outputs.ts';
import type { Plan, SoundPlan } from './plan.ts';
import { soundProgram } from './soundness.ts';
import { startOf } from './starts.ts';
import { StepSite } from './step-site.ts';
import { type Alone, StepTrace } from './step-trace.ts';

/** A plan with the trace that says what it depends on. */
export interface Traced {
  readonly trace: StepTrace;
  readonly plan: Plan;
}

/** What a hyperparameter is after so many steps. */
export type Live = (hyper: Hyper, step: number) => number;

/** What is traced, and what is known meanwhile. */
export interface TracerContext {
  readonly transform: Transform;
  readonly shapes: Shapes;
  readonly layout: Layout;
  readonly counters: Counters;
  readonly random: Randomness;
  readonly facts: Facts;
  readonly live: Live;
  readonly standing: Standing | undefined;
}

/** What else a trace of a step is for. */
interface TraceOptions {
  readonly samples?: number | undefined;
  readonly measures?: Measures | undefined;
  readonly flush?: boolean;
  readonly alone?: Alone;
}

/** Makes plans: traces a transform for one kind of step, or for what is done outside of steps. */
export class Tracer {
  private readonly context: TracerContext;

  constructor(context: TracerContext) {
    this.context = context;
  }

  /** What a step of parameters apart has to know of all. */
  joint(): Traced {
    const trace = new StepTrace(this.context.layout, this.context.counters, 'joint', false, this.context.random);
    return during(trace.tracing, () => {
      const parameters = mapValues(this.context.shapes, (shape, name) => trace.input(parameterKey(name), shape, 'working'));
      const updates = mapValues(this.context.shapes, (shape, name) => {
        const masked = where(trace.input(presentKey(name), [], 'working'), trace.input(gradientKey(name), shape, 'working'), 0);
        trace.masked.set(name, masked);
        return masked;
      });
      this.context.transform.apply({ updates, gradients: updates, gains: record(), parameters }, new StepSite(trace));
      for (const name of Object.keys(this.context.shapes)) for (const key of [parameterKey(name), presentKey(name)]) trace.finite.add(key);
      const program = finishProgram('joint', trace.tracing, trace.joint);
      for (const { key } of trace.joint) this.context.facts.follow(key);
      const proved = this.context.facts.unproved(program, trace.finite).length === 0;
      return { trace, plan: this.plan(trace, program, { program, bare: program, proved, finite: trace.finite }) };
    });
  }

  /** A pass of a step. `present` names the gradients that came; `decides`: the device is to look at them. */
  step(pass: Pass, present: ReadonlySet<string>, decides: boolean, { samples, measures, flush = false, alone }: TraceOptions = {}): Traced {
    const trace = new StepTrace(this.context.layout, this.context.counters, pass, decides, this.context.random, {
      samples,
      standing: this.context.standing,
      alone,
    });
    return during(trace.tracing, () => {
      const parameters = mapValues(this.context.shapes, (shape, name) => trace.input(parameterKey(name), shape, 'working'));
      for (const name of Object.keys(this.context.shapes)) trace.finite.add(parameterKey(name));
      const updates = record<Tensor>();
      for (const [name, shape] of Object.entries(this.context.shapes))
        if (present.has(name) && (alone === undefined || alone.name === name))
          updates[name] = trace.input(gradientKey(name), shape, 'working');
      const site = new StepSite(trace);
      if (flush) trace.flushing = 'asked';
      else if (pass === 'step') site.tick();
      if (measures !== undefined) trace.clips = new Map();
      const flow = this.context.transform.apply({ updates, gradients: updates, gains: record(), parameters }, site);
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
          `'${this.context.transform.name}' moves no parameter: it gives a direction only; use rule(direction, descend({ learningRate }))`,
        );
      }
      const outputs = trace.flushing === 'asked' ? [] : [...moved, ...changedSlots(trace), ...handedOver(trace)];
      for (const [address, { hyper, clock }] of trace.hypers) this.assumed(trace, address, hyper, clock);
      const measured = measures?.output(trace, { gradients: updates, before: parameters, after: flow.parameters });
      const name = `${flush ? 'flush' : nameOf(trace, present, this.context.shapes)}${measured === undefined ? '' : ', measured'}`;
      const sound = soundProgram(name, trace, outputs, this.context.facts, measured);
      return { trace, plan: this.plan(trace, sound.program, { ...sound, finite: trace.finite }) };
    });
  }

  /** What is done to parameters and state at `moment`, or what the model is judged with then. */
  outside(moment: Moment): Traced {
    const trace = new StepTrace(this.context.layout, this.context.counters, 'step', false, this.context.random);
    return during(trace.tracing, () => {
      const inputs = mapValues(this.context.shapes, (shape, name) => trace.input(parameterKey(name), shape, 'working'));
      const moved = movedParameters(inputs, this.context.transform.once?.(moment, inputs, new StepSite(trace)) ?? inputs);
      if (!trace.evaluations.none) throw new TransformError(`evaluate: '${trace.evaluations.names[0]}' is asked outside of a step`);
      const slots = changedSlots(trace);
      const outputs =
        moment === 'evaluate'
          ? moved.map(({ key, value }) => ({ key: evaluationKey(key), value }))
          : [...moved, ...slots, ...trace.verdictOutput()];
      const program = finishProgram(moment, trace.tracing, outputs);
      if (slots.length > 0) this.context.facts.unproved(program, new Set(Object.keys(this.context.shapes).map(parameterKey)));
      return { trace, plan: this.plan(trace, program) };
    });
  }

  /** What slots start from that no host knows: their parameters, and draws; not kept. */
  starts(slots: readonly DeclaredSlot[]): Plan {
    const trace = new StepTrace(this.context.layout, this.context.counters, 'step', false, this.context.random);
    return during(trace.tracing, () => {
      for (const declared of slots) trace.setSlot(declared, startOf(declared, trace));
      const program = finishProgram('start', trace.tracing, changedSlots(trace));
      this.context.facts.unproved(program, new Set(Object.keys(this.context.shapes).map(parameterKey)));
      return this.plan(trace, program);
    });
  }

  private assumed(trace: StepTrace, address: string, hyper: Hyper, clock: string): Span {
    return this.context.facts.assume(address, hyper, this.context.live(hyper, this.context.counters.valueOf(trace.cell(clock))));
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
