import {
  blockStiefel,
  doublyStochastic,
  grassmannian,
  hypersphere,
  l1Stiefel,
  type ManifoldRule,
  muon,
  nanochat,
  norMuon,
  oblique,
  polar as polarDirection,
  slMuon,
  spectralBall,
  spectralSphere,
  stiefel,
  symplectic,
} from '@opt/geometric';
import type { Hyperparameters } from '../families/family.ts';
import {
  amount,
  type BadValue,
  choice,
  everyGeneral,
  flag,
  general,
  integer,
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
const between = (least: number, most: number): readonly BadValue[] =>
  number(`an integer in [${least}, ${most}]`, [least - 1, most + 1, least + 0.5, Number.POSITIVE_INFINITY]);

const polar = {
  orthogonalization: wrong("'svd' or 'newton-schulz' or 'polar-express' or 'cubic' or 'schedule'", 'qr', 3, true, {}),
  nsSteps: orNull(between(1, 30)),
  nsCoefficients: wrong('three finite numbers', [1, 2], [1, 2, Number.NaN], 3, 'quintic'),
  schedule: wrong("a list of triples of finite numbers, 'quintic-schedule' or 'polar-express'", [], [[1, 2]], 'quintic', 3),
  safety: orNull(number('a finite number >= 1', [0.9, Number.POSITIVE_INFINITY])),
  rankTolerance: orNull(number('in [0, 0.1)', [-1e-9, 0.1])),
};
const routing = {
  roles: wrong('a role (hidden, embedding, head, bias, norm) per parameter name, or a function giving one', 'hidden', 3, { w: 'other' }),
  aux: wrong('an object', 3, 'adamw', true, null),
  strict: flag,
  layout: orNull(choice('out-in', 'in-out')),
};
const shared = {
  ...general,
  ...polar,
  ...routing,
  learningRate: unit,
  momentum: unit,
  nesterov: flag,
  mode: choice('manifold', 'projected'),
  base: choice('adamw', 'sgd', 'muon'),
  projection: choice('exact', 'newton-schulz', 'exp-sinkhorn'),
  projectionEpsilon: amount,
  beta1: unit,
  beta2: orNull(unit),
  epsilon: positive,
  weightDecay: orNull(nonNegative),
  baseMomentum: unit,
};

/** What every optimizer on a manifold is tried with. */
const projected: readonly Hyperparameters[] = [{ mode: 'projected' }, { mode: 'projected', base: 'sgd', baseMomentum: 0.5 }];

/** Its one required option cannot be left out by naming it. */
const without = (options: Hyperparameters): Hyperparameters =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

const onManifold = (
  name: string,
  called: string,
  make: (options: Hyperparameters) => ManifoldRule,
  options: TransformRecord['options'],
  variants: readonly Hyperparameters[] = [],
): TransformRecord => ({
  name,
  from: '@opt/geometric',
  role: 'rule',
  called,
  make: (given = {}) => make(given),
  options: { ...shared, ...options },
  variants,
});

/** Live, in [0, 2]. */
const upToTwo: readonly BadValue[] = [
  ...[-0.1, 2.1, Number.NaN].map((value): BadValue => ({ value, error: 'range', rule: 'in [0, 2]' })),
  ...wrong('in [0, 2], or a function returning one', '0.5', true, null, []),
];

const spectral = { direction: choice('spectral', 'riemannian') } as const;
const sphere = { direction: choice('normalized', 'riemannian', 'adam'), radius: above } as const;

const muonTable = {
  ...general,
  ...polar,
  ...routing,
  learningRate: nonNegative,
  momentum: unit,
  nesterov: flag,
  weightDecay: nonNegative,
  decayMode: choice('decoupled', 'independent', 'cautious'),
  epsilon: nonNegative,
  scale: choice('keller', 'moonlight', 'spectral', 'none'),
  convolution: choice('flatten', 'per-tap'),
  blocks: integer(1),
  axis: choice('rows', 'columns'),
  scaleDecay: flag,
  equilibrate: choice('none', 'rows', 'columns'),
  renormalize: flag,
} as const;

export const geometricRecords: readonly TransformRecord[] = [
  {
    name: 'muon',
    from: '@opt/geometric',
    role: 'rule',
    called: 'muon',
    make: (options) => muon(options),
    options: muonTable,
    variants: [
      ...everyGeneral,
      { orthogonalization: 'polar-express', weightDecay: 0.1, decayMode: 'cautious', scale: 'moonlight' },
      { orthogonalization: 'svd', convolution: 'per-tap', layout: 'in-out' },
      { equilibrate: 'columns', renormalize: true, scaleDecay: true, weightDecay: 0.1 },
    ],
  },
  {
    name: 'norMuon',
    from: '@opt/geometric',
    role: 'rule',
    called: 'normuon',
    make: (options) => norMuon(options),
    options: { ...muonTable, beta2: unit, varianceEpsilon: positive, varianceAxis: choice('rows', 'longer') },
    variants: [
      { ...nanochat, weightDecay: 0.1 },
      { layout: 'in-out', convolution: 'per-tap', axis: 'columns', blocks: 2 },
    ],
  },
  {
    name: 'polar',
    from: '@opt/geometric',
    role: 'direction',
    called: 'polar',
    make: (options) => polarDirection(options),
    options: {
      nsSteps: between(1, 30),
      nsCoefficients: wrong('three finite numbers', [1, 2], 3, 'quintic'),
      normalize: choice('schatten4', 'frobenius'),
      epsilon: positive,
      scale: choice('keller', 'moonlight', 'spectral', 'none'),
      layout: orNull(choice('out-in', 'in-out')),
      convolution: choice('flatten', 'per-tap'),
      name: text,
    },
    variants: [{ normalize: 'frobenius', scale: 'spectral', layout: 'in-out', convolution: 'per-tap' }],
  },
  onManifold(
    'stiefel',
    'stiefel',
    stiefel,
    {
      ...spectral,
      retraction: choice('polar', 'qr', 'cayley'),
      radius: above,
      dualSteps: between(0, 1000),
      dualLearningRate: above,
      dualTolerance: amount,
      dualNormalize: flag,
    },
    [...everyGeneral, ...projected, { dualSteps: 3 }, { direction: 'riemannian', retraction: 'qr', learningRate: 0.1 }],
  ),
  onManifold('blockStiefel', 'block-stiefel', (options) => blockStiefel({ blocks: 2, ...without(options) }), {
    blocks: integer(1),
    axis: choice('rows', 'columns'),
    radius: above,
  }),
  onManifold(
    'l1Stiefel',
    'l1-stiefel',
    l1Stiefel,
    { l1Weight: amount, l1Mode: choice('relative', 'absolute'), dualSteps: between(0, 1000), radius: above },
    projected,
  ),
  onManifold('oblique', 'oblique', oblique, { ...sphere, axis: choice('columns', 'rows') }, [...projected, { direction: 'adam' }]),
  onManifold('hypersphere', 'hypersphere', hypersphere, { ...sphere, axis: choice('rows', 'columns', 'tensor') }, [{ axis: 'tensor' }]),
  onManifold('spectralSphere', 'spectral-sphere', spectralSphere, { radius: above }),
  onManifold('spectralBall', 'spectral-ball', spectralBall, { radius: above }),
  onManifold('grassmannian', 'grassmannian', grassmannian, { ...spectral, retraction: choice('polar', 'geodesic') }, [
    { direction: 'riemannian', retraction: 'geodesic' },
  ]),
  onManifold('slMuon', 'sl-muon', slMuon, { ...spectral, retraction: choice('exp'), compactDecay: amount }),
  onManifold('symplectic', 'symplectic', symplectic, { ...spectral, retraction: choice('exp', 'cayley'), compactDecay: amount }, [
    { retraction: 'cayley' },
  ]),
  onManifold('doublyStochastic', 'doubly-stochastic', doublyStochastic, {
    learningRate: upToTwo,
    gradientScale: choice('centered-max', 'none'),
    sinkhornIterations: integer(1),
    sinkhornTolerance: orNull(amount),
    floor: number('in (0, 1e-3)', [0, 1e-3, -1]),
    temperature: above,
  }),
];
