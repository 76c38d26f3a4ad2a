const kernel = (sigma: number): readonly number[] => {
  const reach = 4 * sigma;
  const weights = Array.from({ length: 2 * reach + 1 }, (_, index) => Math.exp(-(((index - reach) / sigma) ** 2) / 2));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
};

/** Gaussian smoothing over steps: σ = 8 unless said otherwise, cut at ±4σ, mirrored at the ends without repeating the end value; 0: none. */
export const smooth = (values: readonly number[], sigma = 8): number[] => {
  if (sigma === 0) return [...values];
  const taps = kernel(sigma);
  return values.map((_, centre) =>
    taps.reduce((sum, weight, tap) => sum + weight * (values[mirrored(centre + tap - 4 * sigma, values.length)] ?? 0), 0),
  );
};

/** Index of 0..count−1 that stands at `index` when the row is mirrored again and again: …2 1 [0 1 2 … n−1] n−2 n−3… */
const mirrored = (index: number, count: number): number => {
  if (count === 1) return 0;
  const period = 2 * (count - 1);
  const folded = ((index % period) + period) % period;
  return folded < count ? folded : period - folded;
};
