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
import { everyGeneral, type TransformRecord } from './record.ts';
import * as refuses from './refuses.ts';

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
    options: { ...refuses.general, learningRate: refuses.nonNegative, weightDecay: refuses.nonNegative, ...options, ...more },
    variants: [...everyGeneral, ...variants],
  },
  ...(direction === undefined
    ? []
    : [
        {
          name: `${name}Direction`,
          from,
          role: 'direction',
          called: name,
          make: direction,
          options: { ...options, name: refuses.text },
        } as const,
      ]),
];

export const adaptiveRecords: readonly TransformRecord[] = [
  ...pair({
    name: 'ademamix',
    rule: ademamix,
    direction: ademamixDirection,
    options: {
      beta1: refuses.unit,
      beta2: refuses.unit,
      beta3: refuses.unit,
      alpha: refuses.nonNegative,
      alphaWarmup: refuses.orNull(refuses.integer(1)),
      beta3Warmup: refuses.orNull(refuses.integer(1)),
      epsilon: refuses.positive,
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
    options: {
      beta1: refuses.unit,
      beta2: refuses.unit,
      beta3: refuses.unit,
      epsilon: refuses.positive,
      maxGradientNorm: refuses.orNull(refuses.positive),
    },
    more: { proximal: refuses.flag },
    variants: [
      { maxGradientNorm: 0.5, weightDecay: 0.1 },
      { proximal: false, weightDecay: 0.1, beta2: 0 },
    ],
  }),
  ...pair({
    name: 'adopt',
    rule: adopt,
    direction: adoptDirection,
    options: { beta1: refuses.unit, beta2: refuses.unit, epsilon: refuses.positive, clipPower: refuses.orNull(refuses.nonNegative) },
    more: { decoupled: refuses.flag },
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
      beta1: refuses.unit,
      beta2: refuses.unit,
      epsilon: refuses.positive,
      correctBias: refuses.flag,
      weightDecay: refuses.nonNegative,
      minNorm: refuses.nonNegative,
      maxNorm: refuses.orNull(refuses.positive),
      noDecay: refuses.names,
      noTrust: refuses.names,
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
      beta1: refuses.unit,
      beta2: refuses.unit,
      beta3: refuses.orNull(refuses.unit),
      initialDistance: refuses.number('a finite number > 0', [0, -1, Infinity]),
      distanceCoefficient: refuses.positive,
      growthRate: refuses.orNull(refuses.atLeastOne),
      correctBias: refuses.flag,
      safeguardWarmup: refuses.flag,
      decoupled: refuses.flag,
      sliceEvery: refuses.integer(1),
      epsilon: refuses.positive,
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
    options: { beta1: refuses.unit, beta2: refuses.unit, epsilon: refuses.positive, gamma: refuses.nonNegative, amsgrad: refuses.flag },
    more: {
      form: refuses.choice('approximate', 'exact'),
      optimize1d: refuses.flag,
      others: refuses.wrong('an object', 3, 'adamw', null, true),
    },
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
      momentum: refuses.unit,
      dampening: refuses.closedUnit,
      nesterov: refuses.flag,
      alpha: refuses.positive,
      rank: refuses.orNull(refuses.integer(1)),
      updatePeriod: refuses.integer(1),
      eta: refuses.openUnit,
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
    options: { initialAccumulator: refuses.amount, epsilon: refuses.positive },
    variants: [{ initialAccumulator: 0, weightDecay: 0.1 }],
  }),
  ...pair({ name: 'adadelta', rule: adadelta, direction: adadeltaDirection, options: { rho: refuses.unit, epsilon: refuses.positive } }),
  ...pair({
    name: 'adamax',
    rule: adamax,
    direction: adamaxDirection,
    options: { beta1: refuses.unit, beta2: refuses.unit, epsilon: refuses.positive },
  }),
];
