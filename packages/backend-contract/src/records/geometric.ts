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
import { everyGeneral, type TransformRecord } from './record.ts';
import * as refuses from './refuses.ts';

const above = refuses.number('a finite number > 0', [0, -1, Number.POSITIVE_INFINITY]);
const between = (least: number, most: number): readonly refuses.BadValue[] =>
  refuses.number(`an integer in [${least}, ${most}]`, [least - 1, most + 1, least + 0.5, Number.POSITIVE_INFINITY]);

const polar = {
  orthogonalization: refuses.wrong("'svd' or 'newton-schulz' or 'polar-express' or 'cubic' or 'schedule'", 'qr', 3, true, {}),
  nsSteps: refuses.orNull(between(1, 30)),
  nsCoefficients: refuses.wrong('three finite numbers', [1, 2], [1, 2, Number.NaN], 3, 'quintic'),
  schedule: refuses.wrong("a list of triples of finite numbers, 'quintic-schedule' or 'polar-express'", [], [[1, 2]], 'quintic', 3),
  safety: refuses.orNull(refuses.number('a finite number >= 1', [0.9, Number.POSITIVE_INFINITY])),
  rankTolerance: refuses.orNull(refuses.number('in [0, 0.1)', [-1e-9, 0.1])),
};
const routing = {
  roles: refuses.wrong('a role (hidden, embedding, head, bias, norm) per parameter name, or a function giving one', 'hidden', 3, {
    w: 'other',
  }),
  aux: refuses.wrong('an object', 3, 'adamw', true, null),
  strict: refuses.flag,
  layout: refuses.orNull(refuses.choice('out-in', 'in-out', 'taps-out-in')),
};
const shared = {
  ...refuses.general,
  ...polar,
  ...routing,
  learningRate: refuses.unit,
  momentum: refuses.unit,
  nesterov: refuses.flag,
  mode: refuses.choice('manifold', 'projected'),
  base: refuses.choice('adamw', 'sgd', 'muon'),
  projection: refuses.choice('exact', 'newton-schulz', 'exp-sinkhorn'),
  projectionEpsilon: refuses.amount,
  beta1: refuses.unit,
  beta2: refuses.orNull(refuses.unit),
  epsilon: refuses.positive,
  weightDecay: refuses.orNull(refuses.nonNegative),
  baseMomentum: refuses.unit,
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
const upToTwo: readonly refuses.BadValue[] = [
  ...[-0.1, 2.1, Number.NaN].map((value): refuses.BadValue => ({ value, error: 'range', rule: 'in [0, 2]' })),
  ...refuses.wrong('in [0, 2], or a function returning one', '0.5', true, null, []),
];

const spectral = { direction: refuses.choice('spectral', 'riemannian') } as const;
const sphere = { direction: refuses.choice('normalized', 'riemannian', 'adam'), radius: above } as const;

const muonTable = {
  ...refuses.general,
  ...polar,
  ...routing,
  learningRate: refuses.nonNegative,
  momentum: refuses.unit,
  nesterov: refuses.flag,
  weightDecay: refuses.nonNegative,
  decayMode: refuses.choice('decoupled', 'independent', 'cautious'),
  epsilon: refuses.nonNegative,
  scale: refuses.choice('keller', 'moonlight', 'spectral', 'none'),
  convolution: refuses.choice('flatten', 'per-tap'),
  blocks: refuses.integer(1),
  axis: refuses.choice('rows', 'columns'),
  scaleDecay: refuses.flag,
  equilibrate: refuses.choice('none', 'rows', 'columns'),
  renormalize: refuses.flag,
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
    options: { ...muonTable, beta2: refuses.unit, varianceEpsilon: refuses.positive, varianceAxis: refuses.choice('rows', 'longer') },
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
      nsCoefficients: refuses.wrong('three finite numbers', [1, 2], 3, 'quintic'),
      normalize: refuses.choice('schatten4', 'frobenius'),
      epsilon: refuses.positive,
      scale: refuses.choice('keller', 'moonlight', 'spectral', 'none'),
      layout: refuses.orNull(refuses.choice('out-in', 'in-out', 'taps-out-in')),
      convolution: refuses.choice('flatten', 'per-tap'),
      name: refuses.text,
    },
    variants: [{ normalize: 'frobenius', scale: 'spectral', layout: 'in-out', convolution: 'per-tap' }],
  },
  onManifold(
    'stiefel',
    'stiefel',
    stiefel,
    {
      ...spectral,
      retraction: refuses.choice('polar', 'qr', 'cayley'),
      radius: above,
      dualSteps: between(0, 1000),
      dualLearningRate: above,
      dualTolerance: refuses.amount,
      dualNormalize: refuses.flag,
    },
    [...everyGeneral, ...projected, { dualSteps: 3 }, { direction: 'riemannian', retraction: 'qr', learningRate: 0.1 }],
  ),
  onManifold('blockStiefel', 'block-stiefel', (options) => blockStiefel({ blocks: 2, ...without(options) }), {
    blocks: refuses.integer(1),
    axis: refuses.choice('rows', 'columns'),
    radius: above,
  }),
  onManifold(
    'l1Stiefel',
    'l1-stiefel',
    l1Stiefel,
    { l1Weight: refuses.amount, l1Mode: refuses.choice('relative', 'absolute'), dualSteps: between(0, 1000), radius: above },
    projected,
  ),
  onManifold('oblique', 'oblique', oblique, { ...sphere, axis: refuses.choice('columns', 'rows') }, [...projected, { direction: 'adam' }]),
  onManifold('hypersphere', 'hypersphere', hypersphere, { ...sphere, axis: refuses.choice('rows', 'columns', 'tensor') }, [
    { axis: 'tensor' },
  ]),
  onManifold('spectralSphere', 'spectral-sphere', spectralSphere, { radius: above }),
  onManifold('spectralBall', 'spectral-ball', spectralBall, { radius: above }),
  onManifold('grassmannian', 'grassmannian', grassmannian, { ...spectral, retraction: refuses.choice('polar', 'geodesic') }, [
    { direction: 'riemannian', retraction: 'geodesic' },
  ]),
  onManifold('slMuon', 'sl-muon', slMuon, { ...spectral, retraction: refuses.choice('exp'), compactDecay: refuses.amount }),
  onManifold(
    'symplectic',
    'symplectic',
    symplectic,
    { ...spectral, retraction: refuses.choice('exp', 'cayley'), compactDecay: refuses.amount },
    [{ retraction: 'cayley' }],
  ),
  onManifold('doublyStochastic', 'doubly-stochastic', doublyStochastic, {
    learningRate: upToTwo,
    gradientScale: refuses.choice('centered-max', 'none'),
    sinkhornIterations: refuses.integer(1),
    sinkhornTolerance: refuses.orNull(refuses.amount),
    floor: refuses.number('in (0, 1e-3)', [0, 1e-3, -1]),
    temperature: above,
  }),
];
