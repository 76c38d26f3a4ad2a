/** The middle value, or the mean of the two middle ones. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = Number.isInteger(middle) ? sorted.slice(middle - 1, middle + 1) : sorted.slice(Math.floor(middle));
  return Number.isInteger(middle) ? (low + high) / 2 : low;
}

export const minimum = (values: readonly number[]): number => (values.length === 0 ? Number.NaN : Math.min(...values));
