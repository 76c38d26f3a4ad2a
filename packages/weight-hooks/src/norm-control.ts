import {
  type Flow,
  type Hyper,
  hypersNamed,
  integer,
  message,
  nonNegative,
  type Option,
  OptionTypeError,
  optional,
  type Rule,
  required,
  requiredRule,
  resolve,
  type Setting,
  type Site,
  saturate,
  type Tensor,
  type Transform,
  TransformError,
  text,
} from '@opt/core';
import type { WeightHook } from './hook.ts';

export interface NormControlOptions {
  /** Any optimizer. Its own decay, if it has one, counts as part of its step: set it to 0 and use `weightDecay` here. */
  readonly base: Rule;
  /** What is done to directions and weights, in this order; corrections after the step in reverse. At least one. */
  readonly stages: readonly WeightHook[];
  /** λ ≥ 0 of the decay W ← W(1 − ηλ) that comes first, default 0. Under `hyperball` leave it at 0: it only changes η. */
  readonly weightDecay?: Setting;
  /** κ ≥ 0 of W ← W∘(1 − ηκ[U∘W > 0]) at the end, default 0. */
  readonly cautiousDecay?: Setting;
  /** η of both decays; default: that of `base`, where it has just one. */
  readonly learningRate?: Setting | null;
  /** Parameters of a lower rank than this are moved by `base` alone: integer ≥ 0, default 2. */
  readonly minRank?: number;
  /** Prefix of state keys, default 'norm-control'. */
  readonly name?: string;
}

/**
 * Norm control of the weight update around any optimizer with direction U (bias corrections included):
 *
 *     W ← W(1 − ηλ)     U ← stages before     M = [U∘W > 0]     W ← W − ηU     W ← stages after     W ← W∘(1 − ηκM)
 *
 * All norms are of the flattened parameter. Zero weights train: see each stage.
 *
 * Sources: NVIDIA-NeMo/Emerging-Optimizers, weight_update_hooks; KellerJordan/modded-nanogpt, record of track 3, 2026-06-19.
 *
 * @throws OptionTypeError · OptionRangeError, naming the option · TransformError where two stages fix the length, or share a name
 */
export function normControl(options: NormControlOptions): Rule {
  const { name, base, stages, minRank, weightDecay, cautiousDecay, learningRate } = resolve('norm-control', options, {
    base: requiredRule,
    stages: hooks,
    weightDecay: nonNegative(0),
    cautiousDecay: nonNegative(0),
    learningRate: optional(nonNegative(1e-3)),
    minRank: integer(2, 0),
    name: text('norm-control'),
  });
  return base.mapMove((move) => {
    const decays = [weightDecay, cautiousDecay].filter(({ value }) => value !== 0);
    const rate = learningRate ?? rateOf(move, name, decays);
    return control({ name, stages, minRank, weightDecay, cautiousDecay, rate, move });
  });
}

interface Controlled {
  readonly name: string;
  readonly stages: readonly WeightHook[];
  readonly minRank: number;
  readonly weightDecay: Hyper;
  readonly cautiousDecay: Hyper;
  /** Undefined: there is no decay. */
  readonly rate: Hyper | undefined;
  readonly move: Transform;
}

/** The moves of a rule between its stages. */
function control({ name, stages, minRank, weightDecay, cautiousDecay, rate, move }: Controlled): Transform {
  const decays = rate === undefined ? [] : [rate, weightDecay, cautiousDecay];
  const factor = (here: Site, decay: Hyper): Tensor | undefined =>
    rate === undefined ? undefined : here.hyper(rate).mul(here.hyper(decay));
  return {
    name: '',
    separable: move.separable === true,
    declare(parameters, at) {
      move.declare(parameters, at);
      const here = at.child(name);
      for (const hyper of decays) here.hyper(hyper);
      for (const stage of stages) {
        const place = here.child(stage.name);
        for (const hyper of stage.hypers) place.hyper(hyper);
        for (const [owner, shape] of Object.entries(parameters)) if (shape.length >= minRank) stage.declare?.(owner, shape, place);
      }
    },
    once(moment, parameters, site) {
      const here = site.child(name);
      for (const [owner, weight] of Object.entries(parameters)) {
        if (moment !== 'construct' || weight.shape.length < minRank) continue;
        here.writing(owner, () => {
          for (const stage of stages) stage.construct?.(owner, weight, here.child(stage.name));
        });
      }
      return move.once?.(moment, parameters, site) ?? parameters;
    },
    apply(flow, site) {
      const here = site.child(name);
      const [shrink, cautious] = [factor(here, weightDecay), factor(here, cautiousDecay)];
      const updates: Record<string, Tensor> = { ...flow.updates };
      const gains: Record<string, Tensor> = { ...flow.gains };
      const parameters: Record<string, Tensor> = { ...flow.parameters };
      const finish: Record<string, (moved: Tensor) => Tensor> = {};
      for (const [owner, update] of Object.entries(flow.updates)) {
        const start = required(flow.parameters, owner, 'parameter');
        here.writing(owner, () => {
          const weight = shrink === undefined ? start : start.mul(shrink.not());
          parameters[owner] = weight;
          if (weight.shape.length < minRank) return;
          const { [owner]: gain } = gains;
          delete gains[owner];
          const afters: ((moved: Tensor) => Tensor)[] = [];
          const U = stages.reduce(
            (u, stage) => {
              const change = stage.apply({ update: u, weight, start, owner, site: here.child(stage.name) });
              if (change.after !== undefined) afters.unshift(change.after);
              return change.update ?? u;
            },
            gain === undefined ? update : update.mul(gain),
          );
          updates[owner] = U;
          const mask = cautious && U.mul(weight).gt(0);
          finish[owner] = (moved) => {
            const w = afters.reduce((x, after) => after(x), moved);
            return saturate(cautious === undefined || mask === undefined ? w : w.mul(mask.mul(cautious).not()), here.largest);
          };
        });
      }
      const moved: Flow = move.apply({ ...flow, updates, gains, parameters }, site);
      const finished = Object.entries(finish).map(([owner, f]) => [
        owner,
        here.writing(owner, () => f(required(moved.parameters, owner, 'parameter'))),
      ]);
      return { ...moved, parameters: { ...moved.parameters, ...Object.fromEntries(finished) } };
    },
  };
}

/** The one learning rate of a rule's moves; undefined where it has none or several, which a decay cannot do with. */
function rateOf(move: Transform, name: string, decays: readonly Hyper[]): Hyper | undefined {
  const rates = hypersNamed('learningRate', move);
  const [only] = rates;
  if (rates.length === 1) return only;
  if (decays.length === 0) return undefined;
  const expected = `given for ${decays.map((decay) => decay.name).join(' and ')}, since base has ${rates.length} of them`;
  throw new OptionTypeError(message(name, 'learningRate', expected, undefined));
}

const isHook = (value: unknown): value is WeightHook =>
  typeof value === 'object' && value !== null && 'apply' in value && 'hypers' in value && Array.isArray(value.hypers);

/** How `resolve` reads `stages`. */
const hooks: Option<readonly WeightHook[]> = (value, rule, option) => {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isHook))
    throw new OptionTypeError(message(rule, option, 'a list of at least one stage such as hyperball()', value));
  const twice = value.find((stage, i) => value.findIndex((other) => other.name === stage.name) !== i);
  if (twice !== undefined) throw new TransformError(`${rule}: two stages are called '${twice.name}'; give one a name of its own`);
  const fixing = value.filter(({ fixesLength }) => fixesLength === true).map((stage) => `'${stage.name}'`);
  if (fixing.length > 1)
    throw new TransformError(`${rule}: only one stage may fix the length of weights, received ${fixing.join(' and ')}`);
  return value;
};
