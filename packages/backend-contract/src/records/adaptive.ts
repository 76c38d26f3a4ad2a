import {
  adadelta,
  adadeltaDirection,
  adagrad,
  adagradDirection,
  adamax,
  adamaxDirection,
  adan,
  adanDirection,
  ademamix,
  ademamixDirection,
  adopt,
  adoptDirection,
  lamb,
  lambDirection,
  mars,
  marsDirection,
  ngd,
  prodigy,
} from '@opt/adaptive';
import type { Rule, Transform } from '@opt/core';
import type { Hyperparameters } from '../families/family.ts';
import {
  amount,
  atLeastOne,
  choice,
  closedUnit,
  everyGeneral,
  flag,
  general,
  integer,
  names,
  nonNegative,
  number,
  openUnit,
  orNull,
  positive,
  type TransformRecord,
  text,
  unit,
  wrong,
} from './record.ts';

const from = '@opt/adaptive';

interface Pair {
  readonly name: string;
  readonly rule: (options?: Hyperparameters) => Rule;
  readonly direction?: (options?: Hyperparameters) => Transform;
  /** Of the direction. */
  readonly options: TransformRecord['options'];
  /** Of the rule alone. */
  readonly more?: TransformRecord['options'];
  readonly variants?: readonly Hyperparameters[];
  readonly mayDrop?: string;
}

/** A rule, and its direction by itself. */
const pair = ({ name, rule, direction, options, more, variants = [], mayDrop }: Pair): TransformRecord[] => [
  {
    name,
    ...(mayDrop !== undefined && { mayDrop }),
    from,
    role: 'rule',
    called: name,
    make: rule,
    options: { ...general, learningRate: nonNegative, weightDecay: nonNegative, ...options, ...more },
    variants: [...everyGeneral, ...variants],
  },
  ...(direction === undefined
    ? []
    : [{ name: `${name}Direction`, from, role: 'direction', called: name, make: direction, options: { ...options, name: text } } as const]),
];

export const adaptiveRecords: readonly TransformRecord[] = [
  ...pair({
    name: 'ademamix',
    rule: ademamix,
    direction: ademamixDirection,
    options: {
      beta1: unit,
      beta2: unit,
      beta3: unit,
      alpha: nonNegative,
      alphaWarmup: orNull(integer(1)),
      beta3Warmup: orNull(integer(1)),
      epsilon: positive,
    },
    variants: [
      { beta1: 0, alpha: 5 },
      { alphaWarmup: 4, beta3Warmup: 6, beta3: 0.99, weightDecay: 0.1 },
    ],
  }),
  ...pair({
    name: 'adan',
    rule: adan,
    direction: adanDirection,
    options: { beta1: unit, beta2: unit, beta3: unit, epsilon: positive, maxGradientNorm: orNull(positive) },
    more: { proximal: flag },
    variants: [
      { maxGradientNorm: 0.5, weightDecay: 0.1 },
      { proximal: false, weightDecay: 0.1, beta2: 0 },
    ],
  }),
  ...pair({
    name: 'adopt',
    rule: adopt,
    direction: adoptDirection,
    options: { beta1: unit, beta2: unit, epsilon: positive, clipPower: orNull(nonNegative) },
    more: { decoupled: flag },
    variants: [
      { weightDecay: 0.1, decoupled: true, beta2: 0.9 },
      { clipPower: null, epsilon: 1e-3, weightDecay: 0.1 },
    ],
  }),
  ...pair({
    name: 'lamb',
    rule: lamb,
    direction: lambDirection,
    options: {
      beta1: unit,
      beta2: unit,
      epsilon: positive,
      correctBias: flag,
      weightDecay: nonNegative,
      minNorm: nonNegative,
      maxNorm: orNull(positive),
      noDecay: names,
      noTrust: names,
    },
    variants: [
      { weightDecay: 0.1, correctBias: false, maxNorm: null },
      { weightDecay: 0.1, minNorm: 0.5, maxNorm: 1, noTrust: (_: string, shape: readonly number[]) => shape.length < 2 },
    ],
  }),
  ...pair({
    name: 'prodigy',
    rule: prodigy,
    options: {
      beta1: unit,
      beta2: unit,
      beta3: orNull(unit),
      initialDistance: number('a finite number > 0', [0, -1, Infinity]),
      distanceCoefficient: positive,
      growthRate: orNull(atLeastOne),
      correctBias: flag,
      safeguardWarmup: flag,
      decoupled: flag,
      sliceEvery: integer(1),
      epsilon: positive,
    },
    variants: [
      { initialDistance: 0.01, sliceEvery: 3, correctBias: true, weightDecay: 0.1 },
      { initialDistance: 0.01, beta1: 0, beta3: 0.9, growthRate: 1.5, decoupled: false, weightDecay: 0.1, safeguardWarmup: true },
    ],
  }),
  ...pair({
    name: 'mars',
    rule: mars,
    direction: marsDirection,
    options: { beta1: unit, beta2: unit, epsilon: positive, gamma: nonNegative, amsgrad: flag },
    more: { form: choice('approximate', 'exact'), optimize1d: flag, others: wrong('an object', 3, 'adamw', null, true) },
    variants: [
      { amsgrad: true, optimize1d: true, weightDecay: 0.1 },
      { amsgrad: true, gamma: 0.1, others: { learningRate: 0.01, weightDecay: 0 } },
    ],
  }),
  ...pair({
    name: 'ngd',
    rule: ngd,
    mayDrop: 'its estimate starts from 10⁻¹⁰, and takes in the fourth power of what a gradient is beside it',
    options: {
      momentum: unit,
      dampening: closedUnit,
      nesterov: flag,
      alpha: positive,
      rank: orNull(integer(1)),
      updatePeriod: integer(1),
      eta: openUnit,
    },
    variants: [
      { learningRate: 0.05, rank: 1, momentum: 0.9, nesterov: true, weightDecay: 0.1 },
      { learningRate: 0.05, rank: 2, momentum: 0.5, dampening: 0.3, updatePeriod: 3, eta: 0.3, alpha: 1 },
    ],
  }),
  ...pair({
    name: 'adagrad',
    rule: adagrad,
    direction: adagradDirection,
    options: { initialAccumulator: amount, epsilon: positive },
    variants: [{ initialAccumulator: 0, weightDecay: 0.1 }],
  }),
  ...pair({ name: 'adadelta', rule: adadelta, direction: adadeltaDirection, options: { rho: unit, epsilon: positive } }),
  ...pair({ name: 'adamax', rule: adamax, direction: adamaxDirection, options: { beta1: unit, beta2: unit, epsilon: positive } }),
];
