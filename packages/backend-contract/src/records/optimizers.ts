import { inBasis, weightEma } from '@opt/core';
import { lmAdagrad } from '@opt/lm-adagrad';
import { normalizeByEma, normalizeEma } from '@opt/normalize-ema';
import { everyStep, klSoap, kroneckerEigenbasis, soap } from '@opt/soap';
import { adam, lion, sgd } from '@opt/transforms';
import { everyGeneral, type TransformRecord } from './record.ts';
import * as refuses from './refuses.ts';

const eigenbasis = {
  preconditionFrequency: refuses.integer(1),
  maxPreconditionDim: refuses.integer(1),
  mergeDims: refuses.flag,
  precondition1d: refuses.flag,
  dataFormat: refuses.choice('channels_last', 'channels_first'),
  initialBasis: refuses.choice('eigh', 'identity'),
  sides: refuses.choice('both', 'left', 'right', 'shorter'),
  factor: refuses.choice('gram', 'kl'),
  initialEigenvalue: refuses.orNull(refuses.number('a finite number > 0', [0, -1, Number.POSITIVE_INFINITY])),
  eigenvalueFloor: refuses.orNull(refuses.number('a finite number > 0', [0, -1, Number.POSITIVE_INFINITY])),
  sortOnRefresh: refuses.flag,
  refreshTolerance: refuses.orNull(refuses.number('in [0, 1)', [-0.1, 1])),
  firstCall: refuses.choice('skip', 'raw'),
} as const;

const byEma = {
  emaBeta: refuses.unit,
  maxEmaGrowth: refuses.orNull(refuses.aboveOne),
  normOrder: refuses.number('a number >= 1 or Infinity', [0.5, 0, -1]),
  normEpsilon: refuses.positive,
  minNorm: refuses.positive,
  clipOnly: refuses.flag,
  perTensor: refuses.flag,
  name: refuses.text,
} as const;

export const optimizersRecords: readonly TransformRecord[] = [
  {
    name: 'soap',
    from: '@opt/soap',
    role: 'rule',
    called: 'soap',
    make: (options) => soap(options),
    options: {
      ...refuses.general,
      ...eigenbasis,
      learningRate: refuses.nonNegative,
      beta1: refuses.unit,
      beta2: refuses.unit,
      epsilon: refuses.positive,
      weightDecay: refuses.nonNegative,
      decayOnly: refuses.decayOnly,
      shampooBeta: refuses.orNull(refuses.unit),
      correctBias: refuses.flag,
      normalizeGradient: refuses.flag,
      inner: [...refuses.wrong("'adam' or 'whiten'", 'other', ''), ...refuses.wrong('a transform such as adam()', 3, {}, true)],
      nesterov: refuses.flag,
      secondMomentOf: refuses.choice('gradient', 'direction'),
      denominator: refuses.choice('sum', 'max'),
      rescale: refuses.choice('none', 'schatten4'),
    },
    variants: [
      ...everyGeneral,
      { preconditionFrequency: 2, precondition1d: true, shampooBeta: 0.9 },
      { mergeDims: true, maxPreconditionDim: 12, dataFormat: 'channels_first', correctBias: false },
      { normalizeGradient: true, initialBasis: 'identity', preconditionFrequency: 3 },
      { inner: lion(), maxPreconditionDim: 4 },
      { ...everyStep, normalizeGradient: true },
      { ...klSoap, preconditionFrequency: 2, precondition1d: true },
      {
        factor: 'kl',
        inner: 'whiten',
        eigenvalueFloor: null,
        preconditionFrequency: 3,
        firstCall: 'raw',
        mergeDims: true,
        maxPreconditionDim: 12,
      },
      { sides: 'shorter', refreshTolerance: 0.3, preconditionFrequency: 1 },
    ],
  },
  {
    name: 'kroneckerEigenbasis',
    from: '@opt/soap',
    role: 'direction',
    called: 'soap',
    make: (options) => inBasis(kroneckerEigenbasis(options), adam()),
    options: { ...eigenbasis, shampooBeta: refuses.unit, name: refuses.text },
    variants: [
      { preconditionFrequency: 1, precondition1d: true },
      { factor: 'kl', sortOnRefresh: false, refreshTolerance: 0.1, preconditionFrequency: 2, firstCall: 'raw' },
    ],
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
      ...refuses.general,
      learningRate: refuses.nonNegative,
      historySize: refuses.integer(1),
      epsilon: refuses.positive,
      centered: refuses.flag,
      concatenate: refuses.flag,
      momentum: refuses.unit,
      momentumMode: refuses.choice('gradient', 'update'),
      weightDecay: refuses.nonNegative,
      decayOnly: refuses.decayOnly,
      damping: refuses.choice('adagrad', 'ggt'),
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
      emaMomentum: refuses.closedUnit,
      emaOverwriteFrequency: refuses.orNull(refuses.integer(1)),
      blend: refuses.closedUnit,
      from: refuses.integer(0),
      exclude: refuses.names,
      name: refuses.text,
    },
    variants: [
      { emaMomentum: 0.5, emaOverwriteFrequency: 2 },
      { from: 0, blend: 0.5, emaOverwriteFrequency: 3, exclude: (_: string, shape: readonly number[]) => shape.length === 1 },
      { from: 5, emaMomentum: 0.8, name: 'tail' },
    ],
  },
];
