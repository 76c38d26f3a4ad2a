import type { Floats, Precision, Shape } from '@opt/core';
import { type Codec, floats, type Sent } from './codecs/codec.ts';

/** What one worker sent of a tensor. */
export interface Part {
  readonly bytes: Uint8Array;
  /** Not below 0; those of all parts are brought to the sum 1. */
  readonly weight: number;
}

export interface AverageOptions {
  /** Of a coordinate: the mean over those who sent it (default), or over all. Only sparse codecs differ. */
  readonly aggregate?: 'senders' | 'all';
  /** The sign of the mean (DeMo); what is below 10⁻⁶ of the largest counts as 0, as its sign would be that of rounding. */
  readonly sign?: boolean;
  /**
   * Centred clipping, τ > 0: v is the median of each coordinate, and no worker moves it by more than τ times the median distance,
   * v + Σ w_i·min(1, τ·median_j‖x_j − v‖/‖x_i − v‖)·(x_i − v). Null (default): the mean. Source: Karimireddy et al. 2021, with v the median.
   */
  readonly clip?: number | null;
}

/**
 * Σ w_i x_i over what workers sent of one tensor, restored from the coordinates of the codec. Sums are of doubles in the order given, so
 * that everybody who adds the same bytes has the same bits. No weight at all: undefined.
 */
export function average(
  codec: Codec,
  parts: readonly Part[],
  shape: Shape,
  precision: Precision,
  options: AverageOptions = {},
): Floats | undefined {
  const { aggregate = 'senders', sign = false, clip = null } = options;
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0)) return undefined;
  const weighted = parts.filter(({ weight }) => weight > 0);
  const weights = weighted.map(({ weight }) => weight / total);
  const decode = ({ bytes }: Part): Sent => codec.decode(bytes, shape, precision);
  const mean = clip === null ? meanOf(weighted, weights, decode, aggregate) : clippedMean(weighted.map(decode), weights, clip);
  const restored = codec.restore(rounded(mean, precision), shape);
  return sign ? signs(restored) : restored;
}

function meanOf(
  parts: readonly Part[],
  weights: readonly number[],
  decode: (part: Part) => Sent,
  aggregate: 'senders' | 'all',
): Float64Array {
  let sums = new Float64Array(0);
  let shares: Float64Array | undefined;
  parts.forEach((part, k) => {
    const { values, sent } = decode(part);
    const weight = weights[k] ?? 0;
    if (k === 0) sums = new Float64Array(values.length);
    if (k === 0 && sent !== undefined && aggregate === 'senders') shares = new Float64Array(values.length);
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + weight * (values[i] ?? 0);
    if (shares !== undefined && sent !== undefined)
      for (let i = 0; i < sums.length; i++) shares[i] = (shares[i] ?? 0) + weight * (sent[i] ?? 0);
  });
  shares?.forEach((share, i) => {
    if (share > 0) sums[i] = (sums[i] ?? 0) / share;
  });
  return sums;
}

function clippedMean(all: readonly Sent[], weights: readonly number[], clip: number): Float64Array {
  const n = all[0]?.values.length ?? 0;
  const v = Float64Array.from({ length: n }, (_, i) => median(all.map(({ values }) => values[i] ?? 0)));
  const distances = all.map(({ values }) => Math.sqrt(v.reduce((sum, center, i) => sum + ((values[i] ?? 0) - center) ** 2, 0)));
  const most = clip * median(distances);
  const result = v.slice();
  all.forEach(({ values }, k) => {
    const distance = distances[k] ?? 0;
    const share = (weights[k] ?? 0) * (distance > most ? most / distance : 1);
    for (let i = 0; i < n; i++) result[i] = (result[i] ?? 0) + share * ((values[i] ?? 0) - (v[i] ?? 0));
  });
  return result;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2 : (sorted[Math.floor(middle)] ?? 0);
}

function signs(x: Floats): Floats {
  let most = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i] ?? 0));
  const least = 1e-6 * most;
  return x.map((one) => (Math.abs(one) <= least ? 0 : Math.sign(one)));
}

/** In working precision; what only a sum made too large stays the largest number. */
function rounded(sums: Float64Array, precision: Precision): Floats {
  const result = floats(precision, sums.length);
  const most = precision === 'f64' ? Number.MAX_VALUE : 3.4028234663852886e38;
  sums.forEach((sum, i) => {
    result[i] = Math.max(-most, Math.min(most, sum));
  });
  return result;
}
