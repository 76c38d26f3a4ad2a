import { type Rule, rule } from '@opt/core';
import { muon } from '@opt/geometric';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adam, adamw, decay, descend } from '@opt/transforms';

/** An optimizer of ours as it is timed. */
export interface Recipe {
  rule(): Rule;
  /** `in place`: the caller fills the backend's own gradient buffers, `copied`: it hands over arrays, other ones every step. */
  readonly gradients: 'in place' | 'copied';
  /** Steps after which the work repeats itself: SOAP's refreshes. */
  readonly block: number;
}

export const refreshEvery = 10;
const refreshing = () => soap({ preconditionFrequency: refreshEvery });

/** Muon's polar factor: x ← ax + (bA + cA²)x with A = xxᵀ, so many times. */
export const quintic = { orthogonalization: 'newton-schulz', nsSteps: 5, nsCoefficients: [3.4445, -4.775, 2.0315] } as const;

export const recipes: Readonly<Record<string, Recipe>> = {
  adamw: { rule: () => adamw(), gradients: 'in place', block: 1 },
  'adamw-copied': { rule: () => adamw(), gradients: 'copied', block: 1 },
  'adamw-unguarded': { rule: () => rule(adam(), decay(), descend()), gradients: 'in place', block: 1 },
  muon: { rule: () => muon(quintic), gradients: 'in place', block: 1 },
  soap: { rule: refreshing, gradients: 'copied', block: refreshEvery },
  'soap-normalize-ema': { rule: () => normalizeEma({ base: refreshing() }), gradients: 'copied', block: refreshEvery },
};
