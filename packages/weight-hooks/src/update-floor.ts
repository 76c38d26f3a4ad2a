import { choice, norm, positive, resolve, type Setting, type Shape, scaled, size, text, where } from '@opt/core';
import type { WeightHook } from './hook.ts';

export interface UpdateFloorOptions {
  /** ρ > 0, default 0.35. */
  readonly ratio?: Setting;
  /** One norm for the whole tensor (default), or one for each row of the matrix: each output of a layer by itself. */
  readonly per?: 'tensor' | 'row';
  /** Which axis outputs are along: the first ('out-in', default; kernels [out, in, k…]) or the last ('in-out'). */
  readonly layout?: 'out-in' | 'in-out';
  /** Name in messages, default 'update-floor'. */
  readonly name?: string;
}

/**
 * Steps that are not much smaller than the weights: with a = max(‖W‖, 10⁻⁸), b = max(‖U‖, 10⁻⁸), U ← max(1, ρa/b)·U, whole or row by row.
 * The factor has no upper limit: a row of noise becomes a full row. Zero weights and zero directions stay as they are.
 *
 * Source: KellerJordan/modded-nanogpt, record of track 3, 2026-06-19.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function updateFloor(options: UpdateFloorOptions = {}): WeightHook {
  const { name, ratio, per, layout } = resolve('update-floor', options, {
    ratio: positive(0.35),
    per: choice('tensor', ['tensor', 'row']),
    layout: choice('out-in', ['out-in', 'in-out']),
    name: text('update-floor'),
  });
  return {
    name,
    hypers: [ratio],
    apply({ update, weight, site }) {
      const whole = per === 'tensor' || weight.shape.length < 2;
      const matrix = whole ? weight.shape : matrixOf(weight.shape, layout);
      const along = whole ? undefined : [layout === 'out-in' ? 1 : 0];
      const [W, U] = [weight.reshape(matrix), update.reshape(matrix)];
      const least = norm(W, along).max(1e-8).min(site.largest).mul(site.hyper(ratio));
      const { norm: length, to } = scaled([U], along);
      return { update: where(length.lt(least), to(U, least), U).reshape(update.shape) };
    },
  };
}

/** A kernel as one matrix. */
const matrixOf = (shape: Shape, layout: 'out-in' | 'in-out'): Shape => {
  const outputs = (layout === 'out-in' ? shape[0] : shape.at(-1)) ?? 1;
  const inputs = size(shape) / outputs;
  return layout === 'out-in' ? [outputs, inputs] : [inputs, outputs];
};
