import {
  closedUnit,
  fixed,
  integer,
  message,
  type Names,
  names,
  type Option,
  OptionTypeError,
  type Rule,
  requiredRule,
  resolve,
  type Setting,
  text,
  weightEma,
} from '@opt/core';

export interface TailAverageOptions {
  /** Any optimizer. */
  readonly base: Rule;
  /** The average begins after this many steps: integer ≥ 0; 0: with the initial parameters. The record: 83 % of the run. */
  readonly start: number;
  /** T ≥ 1, default 150: how many steps the average holds. Much more than there are after `start` lags behind a fast cool-down. */
  readonly horizon?: number;
  /** λ in [0, 1], default 0.6: how much of the read-out is the average. */
  readonly blend?: Setting;
  /** Parameters that are read out as they are; default none. The record: the token embedding. */
  readonly exclude?: Names;
  /** Prefix of state keys, default 'tail-average'. */
  readonly name?: string;
}

/**
 * An average over the end of a run, read out in part: e ← w after step `start`, then e ← e + (w − e)/T; the read-out is (1−λ)w + λe, and w
 * until then. Training does not see it: it is `optimizer.evaluation`, and what `finalize` leaves. Around `emaNesterov`, w is its x.
 *
 * Source: KellerJordan/modded-nanogpt, record of track 3, 2026-06-11.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option · TransformError where `exclude` lists what is no parameter
 */
export function tailAverage(options: TailAverageOptions): Rule {
  const {
    name,
    base,
    start: from,
    horizon,
    blend,
  } = resolve('tail-average', options, {
    base: requiredRule,
    start: given(integer(0, 0)),
    horizon: fixed(150, { rule: 'a finite number >= 1', holds: (x) => Number.isFinite(x) && x >= 1 }),
    blend: closedUnit(0.6),
    exclude: names,
    name: text('tail-average'),
  });
  const exclude = options.exclude ?? [];
  return base.mapMove((move) => weightEma({ name, from, emaMomentum: 1 - 1 / horizon, blend, exclude }, move));
}

/** An option that has no default. */
const given =
  (option: Option<number>): Option<number> =>
  (value, rule, name) => {
    if (value === undefined) throw new OptionTypeError(message(rule, name, 'given', value));
    return option(value, rule, name);
  };
