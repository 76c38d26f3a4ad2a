import { OptionRangeError } from '../errors.ts';
import { message, type Scalar, type Schedule } from './hyper.ts';

/** Schedules are functions of the number of steps applied so far: the first step sees 0. */

const at = (scalar: Scalar, step: number): number => (typeof scalar === 'function' ? scalar(step) : scalar);

function steps(schedule: string, option: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw new OptionRangeError(message(schedule, option, 'an integer >= 1', value));
  return value;
}

function finite(schedule: string, values: Readonly<Record<string, number>>): void {
  for (const [option, value] of Object.entries(values)) {
    if (!Number.isFinite(value)) throw new OptionRangeError(message(schedule, option, 'a finite number', value));
  }
}

/** v */
export function constant(value: number): Schedule {
  finite('constant', { value });
  return () => value;
}

/** from + (to − from)·min(step/steps, 1) */
export function linear(options: { readonly from: number; readonly to: number; readonly steps: number }): Schedule {
  const { from, to } = options;
  finite('linear', { from, to });
  const length = steps('linear', 'steps', options.steps);
  return (step) => from + (to - from) * Math.min(step / length, 1);
}

/** to + (from − to)·½(1 + cos π·min(step/steps, 1)) */
export function cosine(options: { readonly from: number; readonly to?: number; readonly steps: number }): Schedule {
  const { from, to = 0 } = options;
  finite('cosine', { from, to });
  const length = steps('cosine', 'steps', options.steps);
  return (step) => to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * Math.min(step / length, 1)));
}

/** from·rate^(step/steps): multiplied by `rate` every `steps` steps, smoothly. */
export function exponential(options: { readonly from: number; readonly rate: number; readonly steps: number }): Schedule {
  const { from, rate } = options;
  finite('exponential', { from, rate });
  if (rate <= 0) throw new OptionRangeError(message('exponential', 'rate', 'a finite number > 0', rate));
  const length = steps('exponential', 'steps', options.steps);
  return (step) => from * rate ** (step / length);
}

/** Grows linearly over `steps` steps, step k (from 0) giving (k + 1)/steps of it, to the first value of `after`, which starts then. */
export function warmup(options: { readonly steps: number; readonly after: Scalar }): Schedule {
  const length = steps('warmup', 'steps', options.steps);
  return (step) => (step < length ? (at(options.after, 0) * (step + 1)) / length : at(options.after, step - length));
}

/** values[i] until step boundaries[i], the last value afterwards; one value more than boundaries. */
export function piecewise(options: { readonly boundaries: readonly number[]; readonly values: readonly number[] }): Schedule {
  const { boundaries, values } = options;
  if (values.length !== boundaries.length + 1) {
    throw new OptionRangeError(
      message('piecewise', 'values', `of length ${boundaries.length + 1}, one more than boundaries`, values.length),
    );
  }
  finite('piecewise', Object.fromEntries(values.map((value, i) => [`values[${i}]`, value])));
  if (boundaries.some((boundary, i) => !(boundary > (boundaries[i - 1] ?? 0)))) {
    throw new OptionRangeError(message('piecewise', 'boundaries', 'positive and increasing', boundaries.join(' ')));
  }
  return (step) => {
    const i = boundaries.findIndex((boundary) => step < boundary);
    return values[i < 0 ? boundaries.length : i] ?? 0;
  };
}

/** One schedule after the other, each with its own count from 0; the last one stays. */
export function sequence(parts: readonly { readonly schedule: Scalar; readonly steps?: number }[]): Schedule {
  if (parts.length === 0) throw new OptionRangeError(message('sequence', 'parts', 'at least one schedule', 0));
  const lengths = parts.map((part, i) =>
    i === parts.length - 1 ? Infinity : steps('sequence', `parts[${i}].steps`, part.steps ?? Number.NaN),
  );
  return (step) => {
    let start = 0;
    for (const [i, part] of parts.entries()) {
      const length = lengths[i] ?? Infinity;
      if (step < start + length) return at(part.schedule, step - start);
      start += length;
    }
    return Number.NaN;
  };
}
