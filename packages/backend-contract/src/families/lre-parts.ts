import { chain, named, OptError, type Transform } from '@opt/core';
import * as inner from '@opt/lre';
import type { LowRankBasis } from '@opt/lre-basis';
import * as bases from '@opt/lre-basis';
import type { Curvature } from '@opt/lre-curvature';
import * as curvatures from '@opt/lre-curvature';
import { adam, cautious, clipNorm, clipValue, copyGradientSign, ema, lion, nanToZero, normalize, sign } from '@opt/transforms';
import { isRecord } from '../golden-case.ts';
import type { Hyperparameters } from './family.ts';

/** Recorded runs name the parts of LRE as `{ kind, ...options }`. */
type Make<T> = (options: Hyperparameters) => T;

export const curvatureKinds: Readonly<Record<string, Make<Curvature>>> = {
  covariance: () => curvatures.covariance(),
  'covariance-times-loss': curvatures.covarianceTimesLoss,
  'unrolled-gauss-newton': curvatures.unrolledGaussNewton,
  'empirical-fisher': () => curvatures.empiricalFisher(),
  'gauss-newton': () => curvatures.gaussNewton(),
  'full-hutchinson-hessian': curvatures.fullHutchinsonHessian,
  sr1: curvatures.sr1,
  bfgs: curvatures.bfgs,
  'shor-r': curvatures.shorR,
  'gradient-ema': curvatures.gradientEma,
  parameters: () => curvatures.parameters(),
  update: () => curvatures.update(),
};

/** What the original has for precautions and speeds that ours does without. */
const ours = ({
  reorthoThreshold: _,
  reorthoMethod: _method,
  useMgs: _mgs,
  stable: _stable,
  trackOrtho: _track,
  ...options
}: Hyperparameters) => options;

export const basisKinds: Readonly<Record<string, Make<LowRankBasis>>> = {
  ggt: bases.ggt,
  eigen: (options) => bases.direct(ours(options)),
  'randomized-eigen': (options) => bases.randomised(ours(options)),
  nystrom: (options) => bases.nystrom(ours(options)),
  'full-matrix': bases.full,
  random: bases.random,
  hebbian: (options) => bases.hebbian(ours(options)),
  'common-directions': (options) => bases.commonDirections(ours(options)),
  'top-k': (options) => bases.topK(ours(options)),
};

/** The original's ε has another name, and its Adam another β₂. */
const epsilon = ({ eps, ...options }: Hyperparameters): Hyperparameters => ({ ...options, ...(eps !== undefined && { epsilon: eps }) });
const averages = (options: Hyperparameters): Hyperparameters => ({ beta2: 0.99, ...epsilon(options) });

export const innerKinds: Readonly<Record<string, Make<Transform>>> = {
  adam: (options) => adam(averages(options)),
  // The original's reads the projected gradient, whatever stands before it.
  lion: (options) => chain(inner.projectedGradient(), lion(options)),
  ema,
  cautious: () => cautious(),
  'clip-norm': clipNorm,
  'clip-value': clipValue,
  'copy-grad-sign': () => copyGradientSign(),
  sign: () => sign(),
  normalize: () => normalize(),
  'nan-to-zero': () => nanToZero(),
  'clip-norm-by-ema': inner.clipNormByEma,
  'l-inv': () => inner.lInv(),
  'l-inv-sqrt': () => inner.lInvSqrt(),
  'full-matrix-adam': (options) => inner.fullMatrixAdam(epsilon(options)),
  'full-matrix-hutchinson-adam': (options) => inner.fullMatrixHutchinsonAdam(epsilon(options)),
  'full-matrix-bfgs-adam': (options) => inner.fullMatrixBfgsAdam(epsilon(options)),
  'hutchinson-adam': (options) => inner.hutchinsonAdam(epsilon(options)),
  // Both of the original's ways to move the third moment are one.
  'cubic-adam': ({ approxReproject: _, ...options }) => inner.cubicAdam(epsilon(options)),
  'natural-gradient': inner.naturalGradient,
  'gauss-newton': inner.gaussNewtonStep,
};

/** The part that `{ kind, ...options }` asks for. */
export function partOf<T>(kinds: Readonly<Record<string, Make<T>>>, value: unknown): T {
  const { kind, ...options } = isRecord(value) ? value : {};
  const make = kinds[String(kind)];
  if (make === undefined)
    throw new OptError('transform', `no part is called '${String(kind)}', known are ${Object.keys(kinds).join(', ')}`);
  return make(options);
}

/** A recorded chain; a kind that comes twice is numbered. */
export function chainOf(value: unknown): Transform[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const seen = new Map<string, number>();
  return list.map((item) => {
    const transform = partOf(innerKinds, item);
    const times = (seen.get(transform.name) ?? 0) + 1;
    seen.set(transform.name, times);
    return times === 1 || transform.name === '' ? transform : named(`${transform.name}-${times}`, transform);
  });
}
