import { message, type Option, OptionRangeError, OptionTypeError } from '@opt/core';

/** p(n) = maximum·exp(−decay·(n − flatStart)), kept in [minimum, maximum]; n counts earlier steps. */
export interface UpdateProbability {
  readonly maximum: number;
  readonly minimum: number;
  readonly decay: number;
  readonly flatStart: number;
}

const whenever: UpdateProbability = { maximum: 1, minimum: 0.03, decay: 0.001, flatStart: 500 };
const wanted = 'in (0, 1], or { maximum, minimum, decay, flatStart } with 0 < minimum <= maximum <= 1, decay >= 0, flatStart >= 0';

/** How `resolve` reads a probability: a number, or one that falls. */
export const probabilityOption: Option<UpdateProbability> = (value = whenever, rule, option) => {
  const given: unknown = typeof value === 'number' ? { maximum: value, minimum: value, decay: 0, flatStart: 0 } : value;
  if (typeof given !== 'object' || given === null) throw new OptionTypeError(message(rule, option, wanted, value));
  const entries = new Map<string, unknown>(Object.entries(given));
  const [maximum, minimum, decay, flatStart] = ['maximum', 'minimum', 'decay', 'flatStart'].map((name) => entries.get(name));
  if (
    typeof maximum !== 'number' ||
    typeof minimum !== 'number' ||
    typeof decay !== 'number' ||
    typeof flatStart !== 'number' ||
    entries.size > 4
  )
    throw new OptionTypeError(message(rule, option, wanted, value));
  const holds = 0 < minimum && minimum <= maximum && maximum <= 1 && decay >= 0 && flatStart >= 0;
  if (!holds || !Number.isFinite(decay) || !Number.isFinite(flatStart)) throw new OptionRangeError(message(rule, option, wanted, value));
  return { maximum, minimum, decay, flatStart };
};

/**
 * Whether the factors are fitted in step `count` (from 1): when as many steps as 1/p have gone by since they last were, so that the
 * probability is a frequency and nothing is drawn. A function of the count alone; past times are kept, since each depends on the one before.
 */
export function updateTimes({ maximum, minimum, decay, flatStart }: UpdateProbability): (count: number) => boolean {
  const times: number[] = [];
  let looked = 0;
  const isDue = (count: number): boolean => {
    const p = Math.min(maximum, Math.max(minimum, maximum * Math.exp(-decay * (count - 1 - flatStart))));
    return count - (times.at(-1) ?? 0) >= 1 / p;
  };
  return (count) => {
    for (; looked < count; looked++) if (isDue(looked + 1)) times.push(looked + 1);
    return includes(times, count);
  };
}

/** Whether an ascending list has an entry. */
function includes(list: readonly number[], wanted: number): boolean {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return list[low] === wanted;
}
