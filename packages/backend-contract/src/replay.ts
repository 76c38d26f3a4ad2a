import { createOptimizer, type Draws, type MaybePromise, type Optimizer, type Program, trace, type Values } from '@opt/core';
import type { AnyBackend } from './families/family.ts';
import { componentNamed, measureNamed, optimizerNamed } from './families.ts';
import { type Component, type GoldenCase, GoldenFormatError, type GoldenStep, type Trajectory } from './golden-case.ts';
import { evaluated, objectiveOf, type Problem } from './problem.ts';
import { runProgram } from './run-program.ts';

export type Outcome =
  | { readonly result: 'passed'; readonly worst: number }
  | { readonly result: 'skipped'; readonly why: string }
  | { readonly result: 'failed'; readonly step: number; readonly tensor: string; readonly error: number; readonly tolerance: number };

/** Replays a recorded run on a backend; compares every tensor after every step, in the tolerance of the backend's precision. */
export async function replay(golden: GoldenCase, backend: AnyBackend): Promise<Outcome> {
  const tolerance = golden.tolerance[backend.precision === 'f64' ? 'float64' : 'float32'];
  if (tolerance === null) return { result: 'skipped', why: `not compared in ${backend.precision}` };
  const results = golden.kind === 'trajectory' ? trajectory(golden, backend) : calls(golden, backend);
  let worst = 0;
  for await (const { step, tensor, actual, expected, bound } of results) {
    const [error, most] = bound === undefined ? [relativeError(actual, expected), tolerance] : [actual[0] ?? Number.NaN, bound];
    // Written so that NaN fails.
    if (!(error <= most)) return { result: 'failed', step, tensor, error, tolerance: most };
    if (bound === undefined) worst = Math.max(worst, error);
  }
  return { result: 'passed', worst };
}

interface Comparison {
  /** Counted from 1. */
  readonly step: number;
  readonly tensor: string;
  readonly actual: ArrayLike<number>;
  readonly expected: readonly number[];
  /** In place of a comparison: what `actual` may be at most. */
  readonly bound?: number;
}

async function* trajectory(golden: Trajectory, backend: AnyBackend): AsyncGenerator<Comparison> {
  const parameters = Object.fromEntries(golden.parameters.map(({ name, shape, initial }) => [name, { shape, data: initial }]));
  let drawn: GoldenStep['draws'];
  // What is drawn for each parameter apart is recorded with the name of the parameter behind it.
  const draws: Draws = (name, owner) => (drawn?.[`${name}:${owner}`] ?? drawn?.[name])?.data ?? [];
  const optimizer = await createOptimizer({
    transform: optimizerNamed(golden.optimizer)(golden.hyperparameters, golden.steps),
    parameters,
    backend,
    ...(golden.steps.some((step) => step.draws !== undefined) && { draws }),
  });
  const limits = limitsOf(golden, backend);
  try {
    for (const [index, step] of golden.steps.entries()) {
      const { parameters: after } = step;
      drawn = step.draws;
      if (golden.problem === undefined) await stepWith(optimizer, step);
      else yield* stepOn(golden.problem, golden, optimizer, index);
      for (const [tensor, expected] of Object.entries(after)) {
        yield { step: index + 1, tensor, actual: (await optimizer.parameters[tensor]) ?? [], expected };
      }
      if (step.evaluation !== undefined) {
        const judged = optimizer.evaluation;
        for (const [name, expected] of Object.entries(step.evaluation))
          yield { step: index + 1, tensor: `evaluation of ${name}`, actual: (await judged[name]) ?? [], expected };
      }
      for (const { measure, parameter, program, bound } of limits) {
        const measured = await runProgram(backend, program, { value: { data: (await optimizer.parameters[parameter]) ?? [] } });
        yield { step: index + 1, tensor: `${measure} of ${parameter}`, actual: measured['measured'] ?? [], expected: [], bound };
      }
    }
  } finally {
    optimizer.dispose();
  }
}

/** One step of an optimizer that asks where it likes; losses are compared in the unit of the larger of 1 and what is expected. */
async function* stepOn(
  problem: Problem,
  { parameters, steps }: Trajectory,
  optimizer: Optimizer,
  index: number,
): AsyncGenerator<Comparison> {
  const step = index + 1;
  const recorded = steps[index];
  const sizes = parameters.map(({ name, initial }) => [name, initial.length] as const);
  const place = async (): Promise<number[]> => {
    const parts: number[] = [];
    for (const [name] of sizes) parts.push(...((await optimizer.parameters[name]) ?? []));
    return parts;
  };
  const iterations = async (): Promise<number> => {
    const key = Object.keys(optimizer.state).find((slot) => slot.endsWith('.iterations:*'));
    return key === undefined ? Number.NaN : ((await optimizer.state[key])?.[0] ?? Number.NaN);
  };
  const before = await iterations();
  const { objective, losses } = objectiveOf(problem, sizes, await place());
  await optimizer.step(objective);
  const after = evaluated(problem, await place()).loss;
  const compared = [
    ['the loss', after, recorded?.loss, 1],
    ['the loss before', losses[0], recorded?.returned, 1],
    ['evaluations', losses.length, recorded?.evaluations, 0],
    ['iterations', (await iterations()) - before, recorded?.iterations, 0],
  ] as const;
  for (const [tensor, actual = Number.NaN, expected, unit] of compared)
    if (expected !== undefined) yield { step, tensor, actual: [actual, unit], expected: [expected, unit] };
}

/** One step with what was recorded: gradients, or an objective where there is more. */
function stepWith(
  optimizer: Optimizer,
  { gradients, loss, probe, previousGradients, sampledGradients, perSampleGradients, perSampleLosses = [] }: GoldenStep,
): MaybePromise<void> {
  const more = [loss, probe, previousGradients, sampledGradients, perSampleGradients].some((one) => one !== undefined);
  if (!more) return optimizer.step(gradients);
  const rows = Object.fromEntries(Object.entries(perSampleGradients ?? {}).map(([name, { data }]) => [name, data]));
  return optimizer.step({
    // Asked at another place, it is the previous one.
    gradients: (at) => (at === undefined ? gradients : elsewhere(at, previousGradients ?? gradients)),
    ...(loss !== undefined && { loss: () => loss }),
    ...(probe && { hvp: () => probe.Hz, probe: () => probe.z }),
    ...(sampledGradients && { samples: 1, perSampleGradients: () => ({ gradients: sampledGradients, losses: [0] }) }),
    ...(perSampleGradients && {
      samples: perSampleLosses.length,
      perSampleGradients: () => ({ gradients: rows, losses: perSampleLosses }),
    }),
  });
}

/** What was recorded at another place, of which a recording says no more than that every parameter has one. */
function elsewhere(at: Values, recorded: GoldenStep['gradients']): GoldenStep['gradients'] {
  for (const [name, g] of Object.entries(recorded))
    if (at[name]?.length !== g.length) throw new GoldenFormatError(`'${name}' was recorded with ${g.length} elements`);
  return recorded;
}

interface Limit {
  readonly measure: string;
  readonly parameter: string;
  readonly program: Program;
  readonly bound: number;
}

/** The bounds of a case, for every parameter they apply to. */
function limitsOf({ bounds, optimizer, hyperparameters, parameters }: Trajectory, { precision }: AnyBackend): Limit[] {
  return Object.entries(bounds).flatMap(([measure, byPrecision]) => {
    const bound = byPrecision[precision === 'f64' ? 'float64' : 'float32'];
    if (bound === null) return [];
    return parameters.flatMap(({ name, shape }): Limit[] => {
      const f = measureNamed(measure)(optimizer, hyperparameters, name, shape);
      if (f === undefined) return [];
      return [{ measure, parameter: name, bound, program: trace({ value: shape }, ({ value }) => ({ measured: f(value) })) }];
    });
  });
}

async function* calls(golden: Component, backend: AnyBackend): AsyncGenerator<Comparison> {
  const all = golden.calls.map(({ inputs }) => inputs);
  const call = await componentNamed(golden.component)(golden.hyperparameters, backend, all[0] ?? {}, all);
  for (const [index, { inputs, outputs }] of golden.calls.entries()) {
    const actual = await call(inputs);
    for (const [tensor, { data }] of Object.entries(outputs))
      yield { step: index + 1, tensor, actual: actual[tensor] ?? [], expected: data };
  }
}

/** max|actual − expected| / max(max|expected|, 10⁻¹²); NaN where the lengths differ. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.NaN;
  let [difference, largest] = [0, 1e-12];
  for (let i = 0; i < expected.length; i++) {
    const [a = Number.NaN, e = Number.NaN] = [actual[i], expected[i]];
    // An equal infinity is no difference.
    if (a !== e) difference = Math.max(difference, Math.abs(a - e));
    if (Number.isNaN(a) !== Number.isNaN(e)) return Number.NaN;
    largest = Math.max(largest, Math.abs(e));
  }
  return difference / largest;
}
