import { OptionRangeError, OptionTypeError } from '../errors.ts';
import { isPlain } from '../validation/describe.ts';
import { anyNumber, message, type Range, type Scalar, type Schedule } from './hyper.ts';
import { choice, fixed, needed, type Option, resolve } from './options.ts';

/** Schedules are functions of the number of steps applied so far: the first step sees 0. */

const at = (scalar: Scalar, step: number): number => (typeof scalar === 'function' ? scalar(step) : scalar);

const steps = needed({ rule: 'an integer >= 1', holds: (value) => Number.isInteger(value) && value >= 1 });
const aboveZero: Range = { rule: 'a finite number > 0', holds: (value) => Number.isFinite(value) && value > 0 };

const scalar: Option<Scalar> = (value, rule, option) => {
  if (isSchedule(value)) return value;
  if (typeof value !== 'number') throw new OptionTypeError(message(rule, option, 'a finite number, or a function returning one', value));
  return needed()(value, rule, option);
};

const isSchedule = (value: unknown): value is Schedule => typeof value === 'function';

/** A list, read element by element; its elements are named `values[2]`. */
const list =
  <R>(element: Option<R>): Option<readonly R[]> =>
  (value, rule, option) => {
    if (!Array.isArray(value)) throw new OptionTypeError(message(rule, option, 'an array', value));
    // `map` would jump over a hole.
    return Array.from(value, (one: unknown, i) => element(one, rule, `${option}[${i}]`));
  };

/** v */
export function constant(value: number): Schedule {
  const v = needed()(value, 'constant', 'value');
  return () => v;
}

/** from + (to − from)·min(step/steps, 1) */
export function linear(options: { readonly from: number; readonly to: number; readonly steps: number }): Schedule {
  const { from, to, steps: length } = resolve('linear', options, { from: needed(), to: needed(), steps });
  return (step) => from + (to - from) * Math.min(step / length, 1);
}

/** to + (from − to)·½(1 + cos π·min(step/steps, 1)) */
export function cosine(options: { readonly from: number; readonly to?: number; readonly steps: number }): Schedule {
  const { from, to, steps: length } = resolve('cosine', options, { from: needed(), to: fixed(0, anyNumber), steps });
  return (step) => to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * Math.min(step / length, 1)));
}

/** from·rate^(step/steps): multiplied by `rate` every `steps` steps, smoothly. */
export function exponential(options: { readonly from: number; readonly rate: number; readonly steps: number }): Schedule {
  const { from, rate, steps: length } = resolve('exponential', options, { from: needed(), rate: needed(aboveZero), steps });
  return (step) => from * rate ** (step / length);
}

/** to + (from − to)·(1 − min(step/steps, 1))^exponent: 1 is linear, above it ends gently, below it begins so; exponent > 0. */
export function power(options: {
  readonly from: number;
  readonly to?: number;
  readonly steps: number;
  readonly exponent: number;
}): Schedule {
  const table = { from: needed(), to: fixed(0, anyNumber), steps, exponent: needed(aboveZero) };
  const { from, to, steps: length, exponent } = resolve('power', options, table);
  return (step) => to + (from - to) * (1 - Math.min(step / length, 1)) ** exponent;
}

export interface WsdOptions {
  readonly peak: number;
  /** Steps of each part, integers ≥ 0. */
  readonly warmup: number;
  readonly stable: number;
  readonly decay: number;
  /** Where it ends; default 0. */
  readonly to?: number;
  /** x of the decay, by the share a of it that is over: a ('linear', default), √a ('sqrt') or ½(1 − cos πa) ('cosine'). */
  readonly shape?: 'linear' | 'sqrt' | 'cosine';
}

const shapes = { linear: (a: number) => a, sqrt: Math.sqrt, cosine: (a: number) => (1 - Math.cos(Math.PI * a)) / 2 } as const;

/**
 * Warm-up, stable, decay (Hu et al. 2024; Hägele et al. 2024): peak·(k + 1)/warmup in step k of the warm-up, then peak, then
 * peak + (to − peak)·x, and `to` from there on.
 */
export function wsd(options: WsdOptions): Schedule {
  const length = needed({ rule: 'an integer >= 0', holds: (value) => Number.isInteger(value) && value >= 0 });
  const {
    peak,
    warmup: rise,
    stable,
    decay,
    to,
    shape,
  } = resolve('wsd', options, {
    peak: needed(),
    warmup: length,
    stable: length,
    decay: length,
    to: fixed(0, anyNumber),
    shape: choice('linear', ['linear', 'sqrt', 'cosine']),
  });
  const falls = rise + stable;
  return (step) => {
    if (step < rise) return (peak * (step + 1)) / rise;
    if (step < falls) return peak;
    return decay === 0 ? to : peak + (to - peak) * shapes[shape](Math.min((step - falls) / decay, 1));
  };
}

/** Grows linearly over `steps` steps, step k (from 0) giving (k + 1)/steps of it, to the first value of `after`, which starts then. */
export function warmup(options: { readonly steps: number; readonly after: Scalar }): Schedule {
  const { steps: length, after } = resolve('warmup', options, { steps, after: scalar });
  return (step) => (step < length ? (at(after, 0) * (step + 1)) / length : at(after, step - length));
}

/** values[i] until step boundaries[i], the last value afterwards; one value more than boundaries. */
export function piecewise(options: { readonly boundaries: readonly number[]; readonly values: readonly number[] }): Schedule {
  const { boundaries, values } = resolve('piecewise', options, { boundaries: list(needed()), values: list(needed()) });
  if (values.length !== boundaries.length + 1) {
    throw new OptionRangeError(
      message('piecewise', 'values', `of length ${boundaries.length + 1}, one more than boundaries`, values.length),
    );
  }
  if (boundaries.some((boundary, i) => !(boundary > (boundaries[i - 1] ?? 0)))) {
    throw new OptionRangeError(message('piecewise', 'boundaries', 'positive and increasing', boundaries.join(' ')));
  }
  return (step) => {
    const i = boundaries.findIndex((boundary) => step < boundary);
    return values[i < 0 ? boundaries.length : i] ?? 0;
  };
}

interface Part {
  readonly schedule: Scalar;
  readonly steps?: number;
}

/** One schedule after the other, each with its own count from 0; the last one stays. */
export function sequence(parts: readonly Part[]): Schedule {
  const given = list(part)(parts, 'sequence', 'parts');
  if (given.length === 0) throw new OptionRangeError(message('sequence', 'parts', 'at least one schedule', 0));
  const lengths = given.map((one, i) =>
    i === given.length - 1 ? Infinity : steps(one.steps ?? Number.NaN, 'sequence', `parts[${i}].steps`),
  );
  return (step) => {
    let start = 0;
    for (const [i, one] of given.entries()) {
      const length = lengths[i] ?? Infinity;
      if (step < start + length) return at(one.schedule, step - start);
      start += length;
    }
    return Number.NaN;
  };
}

/** The last one's `steps` mean nothing, and may be left out. */
const part: Option<{ readonly schedule: Scalar; readonly steps: number | undefined }> = (value, rule, option) => {
  if (!isPlain(value)) throw new OptionTypeError(message(rule, option, 'an object such as { schedule: 0.1, steps: 100 }', value));
  return resolve(`${rule}: ${option}`, value, {
    schedule: scalar,
    steps: (given, _, name) => (given === undefined ? undefined : steps(given, rule, `${option}.${name}`)),
  });
};
