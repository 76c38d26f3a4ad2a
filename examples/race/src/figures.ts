/** A loss or learning rate in three significant digits: 0.00674, 1.23, 3.1e-7; `–` for a number that is not finite. */
export const figure = (value: number): string => {
  if (!Number.isFinite(value)) return '–';
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e5)) return value.toExponential(1);
  return value.toPrecision(3);
};

/** A share of one as a percentage with one digit: 68.4 %. */
export const percentage = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Milliseconds as they are best read: 0.31 ms, 12.4 ms. */
export const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

/** A duration in whole seconds or minutes: 8 s, 3 min 05 s. */
export const duration = (value: number): string => {
  const seconds = Math.max(0, Math.round(value / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
};
