import {
  chain,
  closedUnit,
  flag,
  integer,
  message,
  nonNegative,
  OptionRangeError,
  openUnit,
  optional,
  positive,
  type Rule,
  resolve,
  rule,
  type Setting,
  unit,
} from '@opt/core';
import { descend, type GeneralOptions, general, generalOptions, l2, momentum } from '@opt/transforms';
import { ngdDirection } from './ngd-direction.ts';

export interface NgdOptions extends GeneralOptions {
  /** η ≥ 0, default 0.1: as of SGD, since norms are restored. */
  readonly learningRate?: Setting;
  /** μ in [0, 1), default 0: no buffer at all. */
  readonly momentum?: Setting;
  /** δ in [0, 1], default 0. */
  readonly dampening?: Setting;
  /** Look ahead; needs momentum > 0 and dampening 0. Default false. */
  readonly nesterov?: boolean;
  /** λ ≥ 0 of L2 regularisation, default 0: it enters the estimates. */
  readonly weightDecay?: Setting;
  /** α > 0, default 4: how much the estimates are smoothed towards the identity. */
  readonly alpha?: Setting;
  /** R, integer ≥ 1, of each axis; default null: half its length, at most 80. Never more than length − 1, nor than the other axes hold. */
  readonly rank?: number | null;
  /** Every so many steps the estimates are updated, after the first ten: integer ≥ 1, default 4. */
  readonly updatePeriod?: number;
  /** How much of the present gradient enters an estimate, (0, 1), default 0.1. */
  readonly eta?: Setting;
}

/**
 * Natural gradient with online estimates (Povey et al. 2015): the gradient times, along each axis in turn, the inverse of a low-rank-
 * plus-identity estimate of its second moment along that axis, brought back to the norm it had; then SGD with momentum as in `sgd`.
 * The first step costs four updates of every estimate, each an eigenproblem of R×R.
 *
 * Source: YiwenShaoStephen/NGD-SGD, ngd.py, with R at most the number of rows.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option
 */
export function ngd(options: NgdOptions = {}): Rule {
  const o = resolve('ngd', options, {
    ...generalOptions('ngd'),
    learningRate: nonNegative(0.1),
    momentum: unit(0),
    dampening: closedUnit(0),
    nesterov: flag(false),
    weightDecay: nonNegative(0),
    alpha: positive(4),
    rank: optional(integer(1)),
    updatePeriod: integer(4),
    eta: openUnit(0.1),
  });
  const { name, learningRate, dampening, nesterov, weightDecay } = o;
  const still = o.momentum.value === 0;
  if (nesterov && still) throw new OptionRangeError(message(name, 'momentum', 'above 0 with nesterov', 0));
  if (nesterov && dampening.value !== 0) throw new OptionRangeError(message(name, 'dampening', '0 with nesterov', dampening.value));
  const natural = chain(l2({ weightDecay }), ngdDirection(o));
  const direction = still ? natural : chain(natural, momentum({ momentum: o.momentum, dampening, nesterov }));
  return general(o, rule(direction, descend({ learningRate })));
}
