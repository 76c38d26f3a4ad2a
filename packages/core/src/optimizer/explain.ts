import { type Cost, cost } from '../program/cost.ts';
import { printProgram, quantity } from '../program/print.ts';
import type { Program } from '../program/program.ts';
import { size } from '../program/shape.ts';
import type { Shapes, Transform } from '../transform/transform.ts';
import { Counters } from './counters.ts';
import { Layout } from './layout.ts';
import { Planner } from './planner.ts';

export interface ExplainedProgram extends Cost {
  readonly name: string;
  /** Calls of the first `calls` that ran it. */
  readonly calls: number;
  readonly program: Program;
}

/** What an optimizer does, before it has done it. */
export interface Explanation {
  readonly programs: readonly ExplainedProgram[];
  readonly parameterCount: number;
  readonly stateBytes: number;
  /** Every program, operation by operation. */
  toString(): string;
}

/** How many calls are looked ahead: enough for refreshes every few hundred steps. */
const lookahead = 1000;

/** Traces what the first `calls` calls would run, every gradient present and finite, and says what each program costs. */
export function explain(
  transform: Transform,
  shapes: Shapes,
  calls: number = lookahead,
  deviceDecides: boolean = false,
  epsilon?: number,
  samples = 1,
): Explanation {
  const layout = new Layout(transform, shapes, deviceDecides, epsilon);
  const counters = new Counters();
  const planner = new Planner(transform, shapes, layout, counters, { seed: 0 });
  const present = new Set(Object.keys(shapes));
  const runs = new Map<Program, number>();
  for (let call = 0; call < calls; call++) {
    for (const plan of [
      deviceDecides ? undefined : planner.check(present, ''),
      layout.needs.some(({ what }) => what === 'hvp') ? planner.probe(present, '', samples) : undefined,
      planner.step(present, '', true, samples),
    ]) {
      if (plan?.program !== undefined) runs.set(plan.program, (runs.get(plan.program) ?? 0) + 1);
      if (plan !== undefined) counters.apply(plan.counted, plan.reset);
    }
  }
  const programs = [...runs].map(([program, count]) => ({ name: program.name, calls: count, program, ...cost(program) }));
  const parameterCount = Object.values(shapes).reduce((sum, shape) => sum + size(shape), 0);
  const stateBytes = layout.bytes(4);
  const summary = [
    `${quantity(parameterCount).trim()} parameters, ${quantity(stateBytes)}B of state`,
    ...programs.map(
      ({ name, calls: n, flops, bytes }) => `${name}: ${n} of ${calls} calls, ${quantity(flops)}FLOP, ${quantity(bytes)}B moved`,
    ),
  ].join('\n');
  return {
    programs,
    parameterCount,
    stateBytes,
    toString: () => [summary, ...programs.map(({ program }) => printProgram(program))].join('\n\n'),
  };
}
