import { OptionTypeError } from '../errors.ts';
import { message } from '../options/hyper.ts';
import { integer, type Option, resolve } from '../options/options.ts';
import { record } from '../records.ts';
import { describe, isPlain } from '../validation/describe.ts';
import { didYouMean } from '../validation/names.ts';
import { columns, everyMetric, type Measuring, type Metric, nothing, turn } from './plans/measures.ts';

/**
 * Of one parameter, or of all of them as one vector, in the step that was measured last. A norm is undefined where there is none: the
 * parameter was not part of that step, or `createOptimizer` was not asked for it.
 */
export interface Norms {
  /** ‖g‖₂ of the gradient as it was given to `step`, before clips, accumulation and loss scale; undefined without one. */
  readonly gradient: number | undefined;
  /** ‖p′ − p‖₂ of what the step moved it by, decay and everything else included; 0 where it stayed. */
  readonly update: number | undefined;
  /** ‖p′‖₂ where it arrived. */
  readonly parameter: number | undefined;
  /** ‖p′ − p‖/‖p′‖. */
  readonly ratio: number | undefined;
  /** By which factor clips shortened its direction, all of them together; 1: none did. Of all parameters, the smallest. */
  readonly clip: number | undefined;
}

/** What steps do to a model; see `OptimizerOptions.metrics`. */
export interface Metrics<N extends string = string> extends Norms {
  /** Steps that took effect, those included that only collected a gradient. */
  readonly step: number;
  /** Which of them, from 1, all norms and clips here are of; undefined before the first. A step that was dropped is none: its place is taken by the next. */
  readonly measured: number | undefined;
  /** Calls dropped so far, as `optimizer.skippedSteps`. */
  readonly skipped: number;
  /** Live hyperparameters by address, as numbers: a schedule is what it said for the last step that asked it, or says for the first. */
  readonly rates: Readonly<Record<string, number>>;
  /** Every parameter by itself. */
  readonly parameters: { readonly [K in N]: Norms };
}

export interface MetricsOptions {
  /** Which norms, default all. Clip factors come with any of them, the ratio with `'update'` and `'parameter'`. */
  readonly norms?: readonly Metric[];
  /**
   * Every how many steps they are measured, integer ≥ 1, default 100; others are as if there were no metrics, so two programs are made
   * for each kind of step. A measured step of AdamW takes about twice as long as another, of SOAP a hundredth more.
   */
  readonly every?: number;
}

/** Reads `metrics` of `createOptimizer`. @throws OptionTypeError, OptionRangeError */
export const metricsOption: Option<Measuring | undefined> = (value, rule, option) => {
  if (value === undefined || value === false) return undefined;
  if (value !== true && !isPlain(value))
    throw new OptionTypeError(message(rule, option, 'true, false or an object such as { every: 10 }', value));
  return resolve(`${rule}: ${option}`, value === true ? {} : value, { norms: normsOption, every: integer(100) });
};

const normsOption: Option<readonly Metric[]> = (value, rule, option) => {
  if (value === undefined) return everyMetric;
  const expected = `a list of some of ${everyMetric.map((one) => `'${one}'`).join(', ')}`;
  if (!Array.isArray(value)) throw new OptionTypeError(message(rule, option, expected, value));
  if (value.length === 0) throw new OptionTypeError(`${rule}: ${option} must be ${expected}, received none`);
  return Array.from<unknown>(value).map((one, i) => {
    const metric = everyMetric.find((known) => known === one);
    if (metric !== undefined) return metric;
    const meant = typeof one === 'string' ? didYouMean(one, everyMetric) : '';
    throw new OptionTypeError(`${rule}: ${option} must be ${expected}, received ${describe(one)} at [${i}]${meant}`);
  });
};

/** What the host knows beside what was measured. */
export type Known = Pick<Metrics, 'step' | 'skipped' | 'rates'>;

/** Makes sense of rows that a step left, by `names`; those that the last step did not write are of parameters it did not concern. */
export function readMetrics(
  names: readonly string[],
  everybody: readonly string[],
  rows: ArrayLike<number>,
  { step, skipped, rates }: Known,
): Metrics {
  const entry = (i: number, column: number): number => rows[i * columns + column] ?? nothing;
  const age = (i: number): number => {
    const written = entry(i, columns - 1);
    return written === nothing ? Infinity : (step - 1 - written + turn) % turn;
  };
  const ages = names.map((_, i) => age(i));
  const latest = ages.reduce((a, b) => Math.min(a, b), Infinity);
  const taken = names.flatMap((_, i) => (ages[i] === latest && latest < Infinity ? [i] : []));
  const norm = (i: number, column: number): number | undefined => (entry(i, column) === nothing ? undefined : entry(i, column));
  const own = (i: number): Norms => withRatio(norm(i, 0), norm(i, 1), norm(i, 2), entry(i, 3));
  const all = (column: number): number | undefined => {
    const known = taken.flatMap((i) => norm(i, column) ?? []);
    return known.length === 0 ? undefined : length(known);
  };
  return {
    step,
    measured: latest < Infinity ? step - latest : undefined,
    skipped,
    rates,
    ...withRatio(all(0), all(1), all(2), taken.length === 0 ? undefined : Math.min(...taken.map((i) => entry(i, 3)))),
    parameters: record(everybody.map((name) => [name, taken.includes(names.indexOf(name)) ? own(names.indexOf(name)) : unmeasured])),
  };
}

const unmeasured: Norms = { gradient: undefined, update: undefined, parameter: undefined, ratio: undefined, clip: undefined };

function withRatio(
  gradient: number | undefined,
  update: number | undefined,
  parameter: number | undefined,
  clip: number | undefined,
): Norms {
  const ratio = update === undefined || parameter === undefined ? undefined : update === 0 ? 0 : update / parameter;
  return { gradient, update, parameter, ratio, clip };
}

/** ‖xs‖₂ by the largest, so that squares neither overflow nor vanish. */
function length(xs: readonly number[]): number {
  const largest = xs.reduce((a, b) => Math.max(a, b), 0);
  if (largest === 0 || largest === Infinity) return largest;
  return largest * Math.sqrt(xs.reduce((sum, x) => sum + (x / largest) ** 2, 0));
}
