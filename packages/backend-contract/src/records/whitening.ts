import { kron, psgdKron } from '@opt/psgd';
import { klShampoo, shampoo, splus } from '@opt/shampoo';
import { everyGeneral, type TransformRecord } from './record.ts';
import * as refuses from './refuses.ts';

const above = refuses.number('a finite number > 0', [0, -1, Number.POSITIVE_INFINITY]);

const falling = { maximum: 1, minimum: 0.1, decay: 0.1, flatStart: 3 };
const probability = 'in (0, 1], or { maximum, minimum, decay, flatStart } with 0 < minimum <= maximum <= 1, decay >= 0, flatStart >= 0';
const probabilities: readonly refuses.BadValue[] = [
  ...[0, 1.5, Number.NaN, { ...falling, minimum: 0 }, { ...falling, maximum: 0.05 }, { ...falling, decay: -1 }].map(
    (value): refuses.BadValue => ({ value, error: 'range', rule: probability }),
  ),
  ...['0.5', true, null, {}, { maximum: 1, minimum: 0.1 }, { ...falling, other: 1 }].map(
    (value): refuses.BadValue => ({ value, error: 'type', rule: probability }),
  ),
];

const kronOptions = {
  beta: refuses.unit,
  preconditionerUpdateProbability: probabilities,
  preconditionerLearningRate: refuses.live('in (0, 1)', [0, 1, -0.1]),
  preconditionerInitialScale: above,
  maxSizeTriangular: refuses.integer(0),
  minNdimTriangular: refuses.integer(0),
  memorySaveMode: refuses.orNull(refuses.choice('smartOneDiag', 'oneDiag', 'allDiag')),
  momentumIntoPreconditionerUpdate: refuses.flag,
  mergeDims: refuses.choice('squarest', 'last', 'off'),
  noiseInDirection: refuses.flag,
} as const;

export const whiteningRecords: readonly TransformRecord[] = [
  {
    name: 'psgdKron',
    from: '@opt/psgd',
    role: 'rule',
    called: 'psgd-kron',
    make: (options) => psgdKron(options),
    options: { ...refuses.general, ...kronOptions, learningRate: refuses.nonNegative, weightDecay: refuses.nonNegative },
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
    options: { ...kronOptions, name: refuses.text },
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
      ...refuses.general,
      learningRate: refuses.nonNegative,
      beta1: refuses.unit,
      beta2: refuses.live('in (0, 1]', [0, 1.5]),
      epsilon: refuses.positive,
      weightDecay: refuses.nonNegative,
      preconditionFrequency: refuses.integer(1),
      startStep: refuses.orNull(refuses.integer(1)),
      correctBias: refuses.flag,
      exponent: refuses.orNull(refuses.number('in (0, 1]', [0, 1.5])),
      sides: refuses.choice('both', 'left', 'right', 'shorter'),
      maxPreconditionDim: refuses.integer(1),
      precondition1d: refuses.flag,
      grafting: refuses.wrong("an object such as { kind: 'adam' }", 'adam', 3, null),
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
      ...refuses.general,
      learningRate: refuses.nonNegative,
      beta1: refuses.unit,
      beta2: refuses.unit,
      emaRate: refuses.unit,
      inverseEvery: refuses.integer(1),
      weightDecay: refuses.nonNegative,
      maxDim: refuses.integer(1),
      nonstandardScale: above,
      signTolerance: refuses.number('in [0, 1)', [-0.1, 1]),
    },
    variants: [...everyGeneral, { inverseEvery: 3, beta2: 0.9, emaRate: 0.9, maxDim: 5, signTolerance: 0 }],
  },
  {
    name: 'klShampoo',
    from: '@opt/shampoo',
    role: 'rule',
    called: 'kl-shampoo',
    make: (options) => klShampoo(options),
    options: {
      ...refuses.general,
      learningRate: refuses.nonNegative,
      beta1: refuses.unit,
      preconditionFrequency: refuses.integer(1),
      sortOnRefresh: refuses.flag,
    },
    variants: [{ preconditionFrequency: 1, sortOnRefresh: true }],
  },
];
