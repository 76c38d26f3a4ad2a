import { clipNormByEma, cubicAdam, fullMatrixAdam, lInvSqrt, lre } from '@opt/lre';
import { direct, full, ggt, hebbian, type LowRankBasis, nystrom, random, randomised } from '@opt/lre-basis';
import { covariance, gradientEma } from '@opt/lre-curvature';
import { adam, ema, lion } from '@opt/transforms';
import type { Hyperparameters } from '../families/family.ts';
import { isRecord } from '../golden-case.ts';
import {
  aboveOne,
  amount,
  choice,
  closedUnit,
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

const tolerance = number('in [0, 1)', [-0.1, 1, 2]);
const round = { truncate: orNull(integer(1)), eigTol: orNull(tolerance), damping: amount, rdamping: amount, abs: flag } as const;
const accumulator = {
  rank: integer(1),
  beta: orNull(unit),
  eigTol: orNull(tolerance),
  damping: amount,
  rdamping: amount,
  abs: flag,
  updateTruncate: orNull(integer(1)),
  updateEigTol: orNull(tolerance),
  updateDamping: amount,
  updateRdamping: amount,
  updateAbs: flag,
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
      ...general,
      learningRate: nonNegative,
      curvature: wrong('a curvature such as covariance()', null, 3, {}, adam()),
      basis: wrong('a basis such as ggt()', null, 3, {}, covariance()),
      updateFreq: integer(1),
      initSteps: integer(0),
      symmetrize: flag,
    },
    variants: [
      { clipnorm: 0.1, gradientAccumulationSteps: 2 },
      { useEma: true, updateFreq: 2, initSteps: 1, name: 'other' },
      { basis: direct({ rank: 4 }), inner: [ema(), lInvSqrt()], updateFreq: 3 },
      { curvature: gradientEma(), inner: lion(), globalClipnorm: 0.5 },
    ],
  },
  basis('ggt', (options) => ggt(small({ historySize: 5 }, options)), { historySize: integer(1), ...round }),
  basis('direct', (options) => direct(small({ rank: 3 }, options)), accumulator),
  basis('randomised', (options) => randomised(small({ rank: 3 }, options)), { ...accumulator, oversampling: integer(0) }),
  basis('nystrom', (options) => nystrom(small({ rank: 3 }, options)), {
    ...accumulator,
    oversampling: integer(0),
    omegaUpdateFreq: integer(1),
  }),
  basis('full', full, { ...round, beta: orNull(unit) }),
  basis('hebbian', (options) => hebbian(small({ rank: 3 }, options)), {
    rank: integer(1),
    learningRate: positive,
    valueClip: orNull(positive),
    normClip: orNull(positive),
    opt: choice('adamg', 'gd', 'stiefel-gd'),
    beta1: unit,
    beta2: unit,
    eps: positive,
    cautious: flag,
    reorthoFreq: orNull(integer(1)),
  }),
  basis('random', (options) => random(small({ rank: 3 }, options)), { rank: integer(1), generateFreq: integer(1) }),
  inside('clipNormByEma', 'clip-norm-by-ema', clipNormByEma, {
    beta: unit,
    maxGrowth: orNull(aboveOne),
    normalize: flag,
    minNorm: positive,
    init: nonNegative,
    name: text,
  }),
  inside('cubicAdam', 'cubic-adam', cubicAdam, {
    beta1: unit,
    beta2: unit,
    beta3: unit,
    epsilon: positive,
    mode: choice('signed_cbrt', 'unsigned_cbrt', 'halve'),
    name: text,
  }),
  inside('fullMatrixAdam', 'full-matrix-adam', fullMatrixAdam, {
    beta1: unit,
    beta2: unit,
    epsilon: positive,
    amsgradBeta: orNull(closedUnit),
    eigTol: tolerance,
    damping: amount,
    rdamping: amount,
    name: text,
  }),
];
