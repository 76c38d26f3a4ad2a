import {
  fixed,
  flag,
  type Hyper,
  hypersNamed,
  integer,
  mapValues,
  message,
  nonNegative,
  OptionRangeError,
  OptionTypeError,
  optional,
  type Rule,
  required,
  requiredRule,
  resolve,
  type Setting,
  type Tensor,
  type Transform,
  text,
  unit,
  where,
} from '@opt/core';
import { anyYet } from './any-yet.ts';

export interface EmaNesterovOptions {
  /** Any optimizer. */
  readonly base: Rule;
  /** β ≥ 0, default 0.3 (0.6 around plain Muon): how many mean moves ahead the model is trained. Near 1 it may resonate. */
  readonly lookahead?: Setting;
  /** ς in [0, 1), default 0.99: weight of the past in the mean move. */
  readonly lookaheadEma?: Setting;
  /** The look-ahead begins after this many steps, integer ≥ 0, default 0. */
  readonly start?: number;
  /** It ends after this many; default null: never. */
  readonly end?: number | null;
  /** Scale β by η/η₀, so that it shrinks with the learning rate. Default true. */
  readonly scaleWithRate?: boolean;
  /** η; default: that of `base`, where it has just one. */
  readonly learningRate?: Setting | null;
  /** η₀ > 0; default null: what the learning rate is at first. */
  readonly initialRate?: number | null;
  /** Prefix of state keys, default 'ema-nesterov'. */
  readonly name?: string;
}

/**
 * EMA-Nesterov around any optimizer: gradients are taken at y, a few mean moves ahead of the plain point x. After the base has made x⁺ of y,
 *
 *     m ← ςm + (1−ς)(x⁺ − x)     x ← x⁺     y ← x + β·(η/η₀)·m
 *
 * with y = x before `start` and from `end` on, where m goes on. `optimizer.parameters` are y, `optimizer.evaluation` and what
 * `finalize` leaves are x. What keeps weights on a surface holds at x, not at y.
 *
 * Source: KellerJordan/modded-nanogpt, record of track 3, 2026-06-11.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option
 */
export function emaNesterov(options: EmaNesterovOptions): Rule {
  const o = resolve('ema-nesterov', options, {
    base: requiredRule,
    lookahead: nonNegative(0.3),
    lookaheadEma: unit(0.99),
    start: integer(0, 0),
    end: optional(integer(0, 0)),
    scaleWithRate: flag(true),
    learningRate: optional(nonNegative(0)),
    initialRate: optional(fixed(1, { rule: 'a finite number > 0', holds: (x) => Number.isFinite(x) && x > 0 })),
    name: text('ema-nesterov'),
  });
  return o.base.mapMove((move) => {
    const rate = o.scaleWithRate ? (o.learningRate ?? rateOf(move, o.name)) : undefined;
    return ahead(o, move, rate && { rate, first: o.initialRate ?? firstOf(rate, o.name) });
  });
}

interface Settings {
  readonly name: string;
  readonly lookahead: Hyper;
  readonly lookaheadEma: Hyper;
  readonly start: number;
  readonly end: number | null;
}

/** η and η₀. */
interface Scale {
  readonly rate: Hyper;
  readonly first: number;
}

function ahead({ name, lookahead, lookaheadEma, start, end }: Settings, move: Transform, scale: Scale | undefined): Transform {
  const hypers = [lookahead, lookaheadEma, ...(scale === undefined ? [] : [scale.rate])];
  return {
    name: '',
    separable: move.separable === true,
    declare(parameters, at) {
      move.declare(parameters, at);
      const here = at.child(name);
      for (const hyper of hypers) here.hyper(hyper);
      for (const [owner, shape] of Object.entries(parameters)) {
        here.slot('x', owner, { shape, kind: 'invariant' });
        here.slot('m', owner, { shape, kind: 'invariant' });
      }
    },
    once(moment, parameters, site) {
      const rest = move.once?.(moment, parameters, site) ?? parameters;
      if (moment === 'construct') return rest;
      const here = site.child(name);
      return mapValues(rest, (parameter, owner) => (here.peek(owner, anyYet) === 'some' ? here.get('x', owner) : parameter));
    },
    apply(flow, site) {
      const here = site.child(name);
      const result = move.apply(flow, site);
      const beta = here.hyper(lookahead);
      const reach = scale === undefined ? beta : beta.mul(here.hyper(scale.rate)).div(scale.first);
      const moved = Object.keys(flow.updates).map((owner): [string, Tensor] => [
        owner,
        here.writing(owner, () => {
          const n = here.count(owner);
          const x1 = required(result.parameters, owner, 'parameter');
          const x = where(n.eq(1), required(flow.parameters, owner, 'parameter'), here.get('x', owner));
          const m = here.get('m', owner).lerp(x1.sub(x), here.hyper(lookaheadEma).not());
          here.set('x', owner, x1);
          here.set('m', owner, m);
          const within = end === null ? n.ge(start) : n.ge(start).mul(n.lt(end));
          return x1.add(m.mul(where(within, reach, 0)));
        }),
      ]);
      return { ...result, parameters: { ...result.parameters, ...Object.fromEntries(moved) } };
    },
  };
}

function rateOf(move: Transform, name: string): Hyper {
  const rates = hypersNamed('learningRate', move);
  const [only] = rates;
  if (only === undefined || rates.length > 1) {
    const expected = `given, or scaleWithRate false, since base has ${rates.length} of them`;
    throw new OptionTypeError(message(name, 'learningRate', expected, undefined));
  }
  return only;
}

function firstOf({ value }: Hyper, name: string): number {
  const first = typeof value === 'function' ? value(0) : value;
  if (!(first > 0)) throw new OptionRangeError(message(name, 'initialRate', 'given where the learning rate begins at 0', first));
  return first;
}
