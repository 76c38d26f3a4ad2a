import { inBasis, weightEma } from '@opt/core';
import { lmAdagrad } from '@opt/lm-adagrad';
import { normalizeByEma, normalizeEma } from '@opt/normalize-ema';
import { kroneckerEigenbasis, soap } from '@opt/soap';
import { adam, lion, sgd } from '@opt/transforms';
import {
  aboveOne,
  choice,
  closedUnit,
  everyGeneral,
  flag,
  general,
  integer,
  names,
  nonNegative,
  number,
  orNull,
  positive,
  type TransformRecord,
  text,
  transform,
  unit,
} from './record.ts';

const eigenbasis = {
  preconditionFrequency: integer(1),
  maxPreconditionDim: integer(1),
  mergeDims: flag,
  precondition1d: flag,
  dataFormat: choice('channels_last', 'channels_first'),
  initialBasis: choice('eigh', 'identity'),
} as const;

const byEma = {
  emaBeta: unit,
  maxEmaGrowth: orNull(aboveOne),
  normOrder: number('a number >= 1 or Infinity', [0.5, 0, -1]),
  normEpsilon: positive,
  minNorm: positive,
  clipOnly: flag,
  perTensor: flag,
  name: text,
} as const;

export const optimizersRecords: readonly TransformRecord[] = [
  {
    name: 'soap',
    from: '@opt/soap',
    role: 'rule',
    called: 'soap',
    make: (options) => soap(options),
    options: {
      ...general,
      ...eigenbasis,
      learningRate: nonNegative,
      beta1: unit,
      beta2: unit,
      epsilon: positive,
      weightDecay: nonNegative,
      shampooBeta: orNull(unit),
      correctBias: flag,
      normalizeGradient: flag,
      inner: transform,
    },
    variants: [
      ...everyGeneral,
      { preconditionFrequency: 2, precondition1d: true, shampooBeta: 0.9 },
      { mergeDims: true, maxPreconditionDim: 12, dataFormat: 'channels_first', correctBias: false },
      { normalizeGradient: true, initialBasis: 'identity', preconditionFrequency: 3 },
      { inner: lion(), maxPreconditionDim: 4 },
    ],
  },
  {
    name: 'kroneckerEigenbasis',
    from: '@opt/soap',
    role: 'direction',
    called: 'soap',
    make: (options) => inBasis(kroneckerEigenbasis(options), adam()),
    options: { ...eigenbasis, shampooBeta: unit, name: text },
    variants: [{ preconditionFrequency: 1, precondition1d: true }],
  },
  {
    name: 'normalizeEma',
    from: '@opt/normalize-ema',
    role: 'rule',
    called: 'normalize-ema',
    make: (options) => normalizeEma({ base: sgd({ momentum: 0.9, learningRate: 0.1 }), ...options }),
    options: {
      ...byEma,
      base: [null, 3, {}, adam()].map((value) => ({ value, error: 'type', rule: 'an optimizer such as soap()' }) as const),
    },
    variants: [{ perTensor: false, emaBeta: 0.5 }, { base: soap({ preconditionFrequency: 3 }), clipOnly: true }, { maxEmaGrowth: null }],
  },
  {
    name: 'normalizeByEma',
    from: '@opt/normalize-ema',
    role: 'direction',
    called: 'normalize-ema',
    make: (options) => normalizeByEma(options),
    options: byEma,
    variants: [{ perTensor: false }, { emaBeta: 0.5, maxEmaGrowth: 1.5, clipOnly: true }],
    rotates: true,
  },
  {
    name: 'lmAdagrad',
    from: '@opt/lm-adagrad',
    role: 'rule',
    called: 'lm-adagrad',
    make: (options) => lmAdagrad(options),
    options: {
      ...general,
      learningRate: nonNegative,
      historySize: integer(1),
      epsilon: positive,
      centered: flag,
      concatenate: flag,
      momentum: unit,
      momentumMode: choice('gradient', 'update'),
      weightDecay: nonNegative,
      damping: choice('adagrad', 'ggt'),
    },
    variants: [
      { historySize: 3, momentum: 0.5 },
      { historySize: 4, concatenate: false, momentum: 0.5, momentumMode: 'update', damping: 'ggt' },
    ],
  },
  {
    name: 'weightEma',
    from: '@opt/core',
    role: 'rule',
    called: 'weightEma',
    make: (options) => weightEma(options ?? {}, sgd()),
    options: {
      emaMomentum: closedUnit,
      emaOverwriteFrequency: orNull(integer(1)),
      blend: closedUnit,
      from: integer(0),
      exclude: names,
      name: text,
    },
    variants: [
      { emaMomentum: 0.5, emaOverwriteFrequency: 2 },
      { from: 0, blend: 0.5, emaOverwriteFrequency: 3, exclude: (_: string, shape: readonly number[]) => shape.length === 1 },
      { from: 5, emaMomentum: 0.8, name: 'tail' },
    ],
  },
];
