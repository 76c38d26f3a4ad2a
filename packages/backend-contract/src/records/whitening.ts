import { kron, psgdKron } from '@opt/psgd';
import { klShampoo, shampoo, splus } from '@opt/shampoo';
import {
  type BadValue,
  choice,
  everyGeneral,
  flag,
  general,
  integer,
  live,
  nonNegative,
  number,
  orNull,
  positive,
  type TransformRecord,
  text,
  unit,
  wrong,
} from './record.ts';

const above = number('a finite number > 0', [0, -1, Number.POSITIVE_INFINITY]);

const falling = { maximum: 1, minimum: 0.1, decay: 0.1, flatStart: 3 };
const probability = 'in (0, 1], or { maximum, minimum, decay, flatStart } with 0 < minimum <= maximum <= 1, decay >= 0, flatStart >= 0';
const probabilities: readonly BadValue[] = [
  ...[0, 1.5, Number.NaN, { ...falling, minimum: 0 }, { ...falling, maximum: 0.05 }, { ...falling, decay: -1 }].map(
    (value): BadValue => ({ value, error: 'range', rule: probability }),
  ),
  ...['0.5', true, null, {}, { maximum: 1, minimum: 0.1 }, { ...falling, other: 1 }].map(
    (value): BadValue => ({ value, error: 'type', rule: probability }),
  ),
];

const kronOptions = {
  beta: unit,
  preconditionerUpdateProbability: probabilities,
  preconditionerLearningRate: live('in (0, 1)', [0, 1, -0.1]),
  preconditionerInitialScale: above,
  maxSizeTriangular: integer(0),
  minNdimTriangular: integer(0),
  memorySaveMode: orNull(choice('smartOneDiag', 'oneDiag', 'allDiag')),
  momentumIntoPreconditionerUpdate: flag,
  mergeDims: choice('squarest', 'last', 'off'),
  noiseInDirection: flag,
} as const;

export const whiteningRecords: readonly TransformRecord[] = [
  {
    name: 'psgdKron',
    from: '@opt/psgd',
    role: 'rule',
    called: 'psgd-kron',
    make: (options) => psgdKron(options),
    options: { ...general, ...kronOptions, learningRate: nonNegative, weightDecay: nonNegative },
    variants: [
      ...everyGeneral,
      { learningRate: 0.02, weightDecay: 0.1, memorySaveMode: 'oneDiag', preconditionerUpdateProbability: falling },
      { memorySaveMode: 'smartOneDiag', momentumIntoPreconditionerUpdate: false, preconditionerUpdateProbability: 0.4, mergeDims: 'last' },
    ],
  },
  {
    name: 'kron',
    from: '@opt/psgd',
    role: 'direction',
    called: 'psgd-kron',
    make: (options) => kron(options),
    options: { ...kronOptions, name: text },
    variants: [
      { mergeDims: 'off', minNdimTriangular: 1, noiseInDirection: true, preconditionerInitialScale: 3 },
      { memorySaveMode: 'allDiag' },
    ],
  },
  {
    name: 'shampoo',
    from: '@opt/shampoo',
    role: 'rule',
    called: 'shampoo',
    make: (options) => shampoo(options),
    options: {
      ...general,
      learningRate: nonNegative,
      beta1: unit,
      beta2: live('in (0, 1]', [0, 1.5]),
      epsilon: positive,
      weightDecay: nonNegative,
      preconditionFrequency: integer(1),
      startStep: orNull(integer(1)),
      correctBias: flag,
      exponent: orNull(number('in (0, 1]', [0, 1.5])),
      sides: choice('both', 'left', 'right', 'shorter'),
      maxPreconditionDim: integer(1),
      precondition1d: flag,
      grafting: wrong("an object such as { kind: 'adam' }", 'adam', 3, null),
    },
    variants: [
      ...everyGeneral,
      { beta2: 0.99, epsilon: 1e-6, grafting: { kind: 'adam' }, preconditionFrequency: 2, startStep: 3 },
      { epsilon: 1e-3, grafting: { kind: 'adagrad' }, sides: 'shorter', precondition1d: false, correctBias: false },
      { beta2: 0.9, epsilon: 1e-3, exponent: 0.5, grafting: { kind: 'sgd' }, weightDecay: 0.1, maxPreconditionDim: 4 },
    ],
  },
  {
    name: 'splus',
    from: '@opt/shampoo',
    role: 'rule',
    called: 'splus',
    make: (options) => splus(options),
    options: {
      ...general,
      learningRate: nonNegative,
      beta1: unit,
      beta2: unit,
      emaRate: unit,
      inverseEvery: integer(1),
      weightDecay: nonNegative,
      maxDim: integer(1),
      nonstandardScale: above,
      signTolerance: number('in [0, 1)', [-0.1, 1]),
    },
    variants: [...everyGeneral, { inverseEvery: 3, beta2: 0.9, emaRate: 0.9, maxDim: 5, signTolerance: 0 }],
  },
  {
    name: 'klShampoo',
    from: '@opt/shampoo',
    role: 'rule',
    called: 'kl-shampoo',
    make: (options) => klShampoo(options),
    options: { ...general, learningRate: nonNegative, beta1: unit, preconditionFrequency: integer(1), sortOnRefresh: flag },
    variants: [{ preconditionFrequency: 1, sortOnRefresh: true }],
  },
];
