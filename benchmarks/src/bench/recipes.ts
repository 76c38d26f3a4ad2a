import { type MetricsOptions, type Rule, rule } from '@opt/core';
import { muon } from '@opt/geometric';
import { lmAdagrad } from '@opt/lm-adagrad';
import { clipNormByEma, lre } from '@opt/lre';
import { ggt } from '@opt/lre-basis';
import { covariance } from '@opt/lre-curvature';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adam, adamw, cautious, decay, descend } from '@opt/transforms';

/** An optimizer of ours as it is timed. */
export interface Recipe {
  rule(): Rule;
  /** `in place`: the caller fills the backend's own gradient buffers, `copied`: it hands over arrays, other ones every step. */
  readonly gradients: 'in place' | 'copied';
  /** Steps after which the work repeats itself: SOAP's refreshes. */
  readonly block: number;
  /** Gradients that differ, each given once before anything is timed; otherwise as many as the model has. */
  readonly sets?: number;
  /** What is measured for `optimizer.metrics()`; left out, nothing. */
  readonly metrics?: boolean | MetricsOptions;
}

/** Every how many steps an optimizer with metrics measures one, left to itself. */
export const measuredEvery = 100;

export const refreshEvery = 10;
const refreshing = () => soap({ preconditionFrequency: refreshEvery });

/** Muon's polar factor: x ← ax + (bA + cA²)x with A = xxᵀ, so many times. */
export const quintic = { orthogonalization: 'newton-schulz', nsSteps: 5, nsCoefficients: [3.4445, -4.775, 2.0315] } as const;

/** The eigenbasis of the last gradients' covariance. */
const ggtOver = (historySize: number): Recipe =>
  remembering(historySize, () =>
    lre({
      curvature: covariance(),
      basis: ggt({ historySize }),
      inner: [adam({ beta2: 0.99 }), cautious(), clipNormByEma({ normalize: true })],
    }),
  );

const lmAdagradOver = (historySize: number): Recipe => remembering(historySize, () => lmAdagrad({ historySize }));

/** One gradient more than it keeps: the one that comes is never the one that goes. */
const remembering = (history: number, rule: () => Rule): Recipe => ({ rule, gradients: 'copied', block: 1, sets: history + 1 });

export const recipes: Readonly<Record<string, Recipe>> = {
  adamw: { rule: () => adamw(), gradients: 'in place', block: 1 },
  'adamw-copied': { rule: () => adamw(), gradients: 'copied', block: 1 },
  'adamw-unguarded': { rule: () => rule(adam(), decay(), descend()), gradients: 'in place', block: 1 },
  'adamw-metrics': { rule: () => adamw(), gradients: 'in place', block: measuredEvery, metrics: true },
  'adamw-measured': { rule: () => adamw(), gradients: 'in place', block: 1, metrics: { every: 1 } },
  'soap-measured': { rule: refreshing, gradients: 'copied', block: refreshEvery, metrics: { every: 1 } },
  muon: { rule: () => muon(quintic), gradients: 'in place', block: 1 },
  soap: { rule: refreshing, gradients: 'copied', block: refreshEvery },
  'soap-every-step': { rule: () => soap({ preconditionFrequency: 1 }), gradients: 'copied', block: 1 },
  'soap-every-step-blocks': { rule: () => soap({ preconditionFrequency: 1, refresh: 'block-jacobi' }), gradients: 'copied', block: 1 },
  'soap-shorter-every-step': { rule: () => soap({ preconditionFrequency: 1, sides: 'shorter' }), gradients: 'copied', block: 1 },
  'soap-shorter-every-step-blocks': {
    rule: () => soap({ preconditionFrequency: 1, sides: 'shorter', refresh: 'block-jacobi' }),
    gradients: 'copied',
    block: 1,
  },
  'soap-normalize-ema': { rule: () => normalizeEma({ base: refreshing() }), gradients: 'copied', block: refreshEvery },
  'ggt-100': ggtOver(100),
  'ggt-3': ggtOver(3),
  'lm-adagrad-10': lmAdagradOver(10),
  'lm-adagrad-3': lmAdagradOver(3),
};
