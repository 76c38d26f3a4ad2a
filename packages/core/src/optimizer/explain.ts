import type { Scalar } from '../options/hyper.ts';
import { integer } from '../options/options.ts';
import { type Cost, cost, elementBytes } from '../program/cost.ts';
import type { Precision } from '../program/precision.ts';
import { printProgram, quantity } from '../program/print.ts';
import type { Program } from '../program/program.ts';
import { isCarriedKey } from '../program/segments.ts';
import { size } from '../program/shape.ts';
import { record } from '../records.ts';
import { requiredStage } from '../transform/stage-options.ts';
import type { About, Shapes, Transform } from '../transform/transform.ts';
import { type Narrowed, narrowedOption } from './memory/narrowed.ts';
import { partsOf } from './plans/asking.ts';
import { Counters } from './plans/counters.ts';
import { isProbed, Layout } from './plans/layout.ts';
import { Due, type Measures } from './plans/measures.ts';
import { Planner } from './plans/planner.ts';

/** What a stage asks in the middle of a step. */
export interface ExplainedQuestion {
  /** The path of the stage and its own name, such as `sam.ahead`. */
  readonly name: string;
  readonly want: 'gradient' | 'loss' | 'hvp';
  /** Calls of the first `calls` in which it may be asked. */
  readonly calls: number;
}

export interface ExplainedProgram extends Cost {
  readonly name: string;
  /** Calls of the first `calls` that ran it. */
  readonly calls: number;
  readonly program: Program;
  /** Bytes it leaves for the next programs of the step. */
  readonly carried: number;
  /** By counter of the program's host arithmetic: how far its count is behind the number of the call; undefined where that changes. */
  readonly lags: readonly (number | undefined)[];
}

/** What an optimizer does, before it has done it. */
export interface Explanation {
  /** In the order they run; those of a step that asks are several. */
  readonly programs: readonly ExplainedProgram[];
  /** What stages ask in the middle of a step. */
  readonly questions: readonly ExplainedQuestion[];
  /** Of the calls after the first, which is alone in setting things up: the one with most FLOPs; undefined where there is none. */
  readonly longest: (Cost & { readonly call: number }) | undefined;
  readonly parameterCount: number;
  readonly stateBytes: number;
  /** Calls of the first `calls` that are measured for `optimizer.metrics()`, and what that costs all together; undefined where none is. */
  readonly metrics: (Cost & { readonly calls: number }) | undefined;
  /** Live hyperparameters by address, with what they are at the start. */
  readonly hyperparameters: Readonly<Record<string, Scalar>>;
  /** Every program, operation by operation. */
  toString(): string;
}

const carriedBytes = ({ outputs }: Program): number =>
  outputs.reduce((sum, { key, shape, dtype }) => sum + (isCarriedKey(key) ? size(shape) * elementBytes(dtype) : 0), 0);

/** How many calls are looked ahead: enough for refreshes every few hundred steps. */
const lookahead = 1000;

/** Traces what the first `calls` calls would run, every gradient present and finite, and says what each program costs. */
export function explain(
  transform: Transform,
  shapes: Shapes,
  calls: number = lookahead,
  deviceDecides: boolean = false,
  precision?: Precision['name'],
  samples = 1,
  about?: Readonly<Record<string, About>>,
  stateDtype?: Narrowed,
): Explanation {
  return explainMeasured({ transform, shapes, calls, deviceDecides, precision, samples, about, stateDtype, measures: undefined });
}

/** What is explained. */
interface Explained {
  readonly transform: Transform;
  readonly shapes: Shapes;
  readonly calls: number | undefined;
  readonly deviceDecides: boolean;
  readonly precision: Precision['name'] | undefined;
  readonly samples?: number;
  readonly about: Readonly<Record<string, About>> | undefined;
  readonly stateDtype: Narrowed | undefined;
  readonly measures: Measures | undefined;
}

/** The same for an optimizer that measures itself. */
export function explainMeasured({ calls = lookahead, samples = 1, ...explained }: Explained): Explanation {
  const { transform, shapes, deviceDecides, precision, about, stateDtype, measures } = explained;
  integer(lookahead, 0)(calls, 'explain', 'calls');
  requiredStage(transform, 'explain', 'transform');
  const layout = new Layout(transform, shapes, deviceDecides, precision, about, narrowedOption(stateDtype, 'explain', 'stateDtype'));
  const counters = new Counters();
  const planner = new Planner(transform, shapes, layout, counters, { seed: 0 }, { measures });
  const due = new Due(measures);
  const measured = { calls: 0, flops: 0, bytes: 0 };
  const present = new Set(Object.keys(shapes));
  const runs = new Map<Program, { calls: number; lags: (number | undefined)[] }>();
  const questions = new Map<string, ExplainedQuestion>();
  const costs = new Map<Program, Cost>();
  const costOf = (program: Program): Cost => {
    const known = costs.get(program) ?? cost(program);
    costs.set(program, known);
    return known;
  };
  let longest: Explanation['longest'];
  for (let call = 0; call < calls; call++) {
    const whole = { call: call + 1, flops: 0, bytes: 0 };
    const measuring = due.at(call);
    if (measuring) {
      const [plain, more] = [false, true].map((one) => planner.step(present, '', deviceDecides, samples, one));
      const [without, within] = [plain, more].map((plan) => (plan?.program === undefined ? { flops: 0, bytes: 0 } : costOf(plan.program)));
      measured.calls++;
      measured.flops += (within?.flops ?? 0) - (without?.flops ?? 0);
      measured.bytes += (within?.bytes ?? 0) - (without?.bytes ?? 0);
      due.took(call, more === undefined ? [] : [more]);
    }
    for (const plan of [
      deviceDecides ? undefined : planner.check(present, ''),
      layout.needs.some(isProbed) ? planner.probe(present, '', samples) : undefined,
      planner.step(present, '', deviceDecides, samples, measuring),
    ]) {
      if (plan === undefined) continue;
      for (const { program, counts } of partsOf(plan)) {
        if (program === undefined) continue;
        whole.flops += costOf(program).flops;
        whole.bytes += costOf(program).bytes;
        const lags = counts.map((cell) => call - counters.valueOf(cell));
        const known = runs.get(program) ?? { calls: 0, lags };
        runs.set(program, { calls: known.calls + 1, lags: known.lags.map((lag, i) => (lag === lags[i] ? lag : undefined)) });
      }
      for (const { id, want } of plan.asking.flatMap((asking) => asking.questions))
        questions.set(`${want} ${id}`, { name: id, want, calls: (questions.get(`${want} ${id}`)?.calls ?? 0) + 1 });
      counters.apply(plan.counted, plan.reset);
    }
    if (call > 0 && whole.flops > (longest?.flops ?? -1)) longest = whole;
  }
  const programs = [...runs].map(([program, run]) => ({
    name: program.name,
    program,
    ...run,
    carried: carriedBytes(program),
    ...costOf(program),
  }));
  const parameterCount = Object.values(shapes).reduce((sum, shape) => sum + size(shape), 0);
  const stateBytes = layout.bytes(4);
  const extra = `metrics: in ${measured.calls} of ${calls} calls, ${quantity(measured.flops)}FLOP, ${quantity(measured.bytes)}B more, together`;
  const summary = [
    `${quantity(parameterCount).trim()} parameters, ${quantity(stateBytes)}B of state`,
    ...programs.map(({ name, calls: n, flops, bytes, carried }) => {
      const left = carried === 0 ? '' : `, ${quantity(carried)}B carried`;
      return `${name}: ${n} of ${calls} calls, ${quantity(flops)}FLOP, ${quantity(bytes)}B moved${left}`;
    }),
    ...[...questions.values()].map(({ name, want, calls: n }) => `${name}: ${want}, asked in ${n} of ${calls} calls`),
    ...(longest === undefined
      ? []
      : [`longest call after the first: ${longest.call}, ${quantity(longest.flops)}FLOP, ${quantity(longest.bytes)}B moved`]),
    ...(measures === undefined ? [] : [extra]),
  ].join('\n');
  return {
    programs,
    questions: [...questions.values()],
    longest,
    parameterCount,
    stateBytes,
    metrics: measures === undefined ? undefined : measured,
    hyperparameters: record([...layout.hypers.keys()].map((hyper) => [layout.address(hyper), hyper.value] as const)),
    toString: () => [summary, ...programs.map(({ program }) => printProgram(program))].join('\n\n'),
  };
}
