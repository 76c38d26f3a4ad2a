import { type Floats, fixed, resolve, type Shape } from '@opt/core';
import { type Codec, floats, precisionOf } from './codecs/codec.ts';

export interface ErrorFeedbackOptions {
  /** β in [0, 1], default 0.999: how much of an old error is kept. */
  readonly errorDecay?: number;
  /** φ in [0, 1], default 1: how much of what was sent leaves the error. */
  readonly errorFeedback?: number;
}

const closedUnit = (fallback: number) => fixed(fallback, { rule: 'in [0, 1]', holds: (x) => x >= 0 && x <= 1 });

/**
 * What a codec did not send is kept and sent later, by tensor:
 *
 *     e ← βe + Δ     t = decode(encode(e))     e ← e − φt
 *
 * Source: tplr-y/CCLoco, ccloco.py; facebookresearch/MuLoCo, quantized_outer_sgd.py. There Δ enters times the outer rate, and the step has
 * it again; here it has it once.
 */
export class ErrorFeedback {
  private readonly codec: Codec;
  private readonly decay: number;
  private readonly feedback: number;
  /** e by tensor; none before the first send. */
  readonly errors: Map<string, Floats> = new Map();

  /** @throws OptionTypeError · OptionRangeError, naming the option */
  constructor(codec: Codec, options: ErrorFeedbackOptions = {}) {
    const { errorDecay, errorFeedback } = resolve('errorFeedback', options, {
      errorDecay: closedUnit(0.999),
      errorFeedback: closedUnit(1),
    });
    [this.codec, this.decay, this.feedback] = [codec, errorDecay, errorFeedback];
  }

  /** The bytes to be sent for Δ. */
  encode(name: string, delta: Floats, shape: Shape): Uint8Array {
    const old = this.errors.get(name);
    const e = delta.slice();
    if (old !== undefined) for (let i = 0; i < e.length; i++) e[i] = this.decay * (old[i] ?? 0) + (delta[i] ?? 0);
    const bytes = this.codec.encode(e, shape);
    const t = this.codec.restore(this.codec.decode(bytes, shape, precisionOf(e)).values, shape);
    const rest = floats(precisionOf(e), e.length);
    for (let i = 0; i < e.length; i++) rest[i] = (e[i] ?? 0) - this.feedback * (t[i] ?? 0);
    this.errors.set(name, rest);
    return bytes;
  }
}
