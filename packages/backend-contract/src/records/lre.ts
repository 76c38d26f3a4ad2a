import { clipNormByEma, cubicAdam, fullMatrixAdam, lInvSqrt, lre } from '@opt/lre';
import { direct, full, ggt, hebbian, type LowRankBasis, nystrom, random, randomised } from '@opt/lre-basis';
import { covariance, gradientEma } from '@opt/lre-curvature';
import { adam, ema, lion } from '@opt/transforms';
import type { Hyperparameters } from '../families/family.ts';
import { isRecord } from '../golden-case.ts';
import type { TransformRecord } from './record.ts';
import * as refuses from './refuses.ts';

const tolerance = refuses.number('in [0, 1)', [-0.1, 1, 2]);
const round = {
  truncate: refuses.orNull(refuses.integer(1)),
  eigTol: refuses.orNull(tolerance),
  damping: refuses.amount,
  rdamping: refuses.amount,
  abs: refuses.flag,
} as const;
const accumulator = {
  rank: refuses.integer(1),
  beta: refuses.orNull(refuses.unit),
  eigTol: refuses.orNull(tolerance),
  damping: refuses.amount,
  rdamping: refuses.amount,
  abs: refuses.flag,
  updateTruncate: refuses.orNull(refuses.integer(1)),
  updateEigTol: refuses.orNull(tolerance),
  updateDamping: refuses.amount,
  updateRdamping: refuses.amount,
  updateAbs: refuses.flag,
} as const;

/** Options with a few of another size than the default, where they are options at all. */
const small = (defaults: Hyperparameters, options: Hyperparameters = {}): Hyperparameters =>
  isRecord(options) ? { ...defaults, ...options } : options;

/** A basis on its own, with an average inside. */
const basis = (
  name: string,
  make: (options: Hyperparameters) => LowRankBasis,
  options: TransformRecord['options'],
  called = name,
): TransformRecord => ({
  name,
  from: '@opt/lre-basis',
  role: 'rule',
  called,
  make: (given = {}) => lre({ learningRate: 0.02, basis: make(given), inner: ema({ beta: 0.5 }) }),
  options,
});

/** A stage that lives in a basis. */
const inside = (
  name: string,
  called: string,
  make: (options: Hyperparameters) => ReturnType<typeof adam>,
  options: TransformRecord['options'],
): TransformRecord => ({
  name,
  from: '@opt/lre',
  role: 'rule',
  called,
  make: (given = {}) => lre({ learningRate: 0.02, basis: direct({ rank: 3 }), inner: make(given) }),
  options,
});

export const lreRecords: readonly TransformRecord[] = [
  {
    name: 'lre',
    from: '@opt/lre',
    role: 'rule',
    called: 'lre',
    make: (options) => lre(small({ basis: ggt({ historySize: 4 }) }, options)),
    options: {
      ...refuses.general,
      learningRate: refuses.nonNegative,
      curvature: refuses.wrong('a curvature such as covariance()', null, 3, {}, adam()),
      basis: refuses.wrong('a basis such as ggt()', null, 3, {}, covariance()),
      updateFreq: refuses.integer(1),
      initSteps: refuses.integer(0),
      symmetrize: refuses.flag,
    },
    variants: [
      { clipnorm: 0.1, gradientAccumulationSteps: 2 },
      { useEma: true, updateFreq: 2, initSteps: 1, name: 'other' },
      { basis: direct({ rank: 4 }), inner: [ema(), lInvSqrt()], updateFreq: 3 },
      { curvature: gradientEma(), inner: lion(), globalClipnorm: 0.5 },
    ],
  },
  basis('ggt', (options) => ggt(small({ historySize: 5 }, options)), { historySize: refuses.integer(1), ...round }),
  basis('direct', (options) => direct(small({ rank: 3 }, options)), accumulator),
  basis('randomised', (options) => randomised(small({ rank: 3 }, options)), { ...accumulator, oversampling: refuses.integer(0) }),
  basis('nystrom', (options) => nystrom(small({ rank: 3 }, options)), {
    ...accumulator,
    oversampling: refuses.integer(0),
    omegaUpdateFreq: refuses.integer(1),
  }),
  basis('full', full, { ...round, beta: refuses.orNull(refuses.unit) }),
  basis('hebbian', (options) => hebbian(small({ rank: 3 }, options)), {
    rank: refuses.integer(1),
    learningRate: refuses.positive,
    valueClip: refuses.orNull(refuses.positive),
    normClip: refuses.orNull(refuses.positive),
    opt: refuses.choice('adamg', 'gd', 'stiefel-gd'),
    beta1: refuses.unit,
    beta2: refuses.unit,
    eps: refuses.positive,
    cautious: refuses.flag,
    reorthoFreq: refuses.orNull(refuses.integer(1)),
  }),
  basis('random', (options) => random(small({ rank: 3 }, options)), { rank: refuses.integer(1), generateFreq: refuses.integer(1) }),
  inside('clipNormByEma', 'clip-norm-by-ema', clipNormByEma, {
    beta: refuses.unit,
    maxGrowth: refuses.orNull(refuses.aboveOne),
    normalize: refuses.flag,
    minNorm: refuses.positive,
    init: refuses.nonNegative,
    name: refuses.text,
  }),
  inside('cubicAdam', 'cubic-adam', cubicAdam, {
    beta1: refuses.unit,
    beta2: refuses.unit,
    beta3: refuses.unit,
    epsilon: refuses.positive,
    mode: refuses.choice('signed_cbrt', 'unsigned_cbrt', 'halve'),
    name: refuses.text,
  }),
  inside('fullMatrixAdam', 'full-matrix-adam', fullMatrixAdam, {
    beta1: refuses.unit,
    beta2: refuses.unit,
    epsilon: refuses.positive,
    amsgradBeta: refuses.orNull(refuses.closedUnit),
    eigTol: tolerance,
    damping: refuses.amount,
    rdamping: refuses.amount,
    name: refuses.text,
  }),
];
