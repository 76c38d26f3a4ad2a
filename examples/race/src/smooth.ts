const sigma = 8;
const reach = 4 * sigma;

const kernel: readonly number[] = (() => {
  const weights = Array.from({ length: 2 * reach + 1 }, (_, index) => Math.exp(-(((index - reach) / sigma) ** 2) / 2));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
})();

/** Gaussian smoothing over steps: σ = 8, cut at ±32, mirrored at the ends without repeating the end value. */
export const smooth = (values: readonly number[]): number[] =>
  values.map((_, centre) =>
    kernel.reduce((sum, weight, tap) => sum + weight * (values[mirrored(centre + tap - reach, values.length)] ?? 0), 0),
  );

/** Index of 0..count−1 that stands at `index` when the row is mirrored again and again: …2 1 [0 1 2 … n−1] n−2 n−3… */
const mirrored = (index: number, count: number): number => {
  if (count === 1) return 0;
  const period = 2 * (count - 1);
  const folded = ((index % period) + period) % period;
  return folded < count ? folded : period - folded;
};
