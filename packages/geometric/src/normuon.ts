import { choice, positive, type Rule, resolve, type Setting, unit } from '@opt/core';
import { polarExpressFive } from './coefficients.ts';
import { type MuonOptions, muonOptions, muonRule } from './muon.ts';

export interface NorMuonOptions extends MuonOptions {
  /** β₂ of the rows' mean squares, [0, 1), default 0.95. */
  readonly beta2?: Setting;
  /** ε_v > 0 added to √v and to the length after it, default 1e-10. */
  readonly varianceEpsilon?: Setting;
  /** A mean square for every row (an output), or for every entry of the longer side; default 'rows'. */
  readonly varianceAxis?: 'rows' | 'longer';
}

/**
 * NorMuon (Li et al. 2025): Muon whose rows, the neurons, have equal root mean square over time.
 *
 *     O = msign(U)   v_i ← β₂v_i + (1−β₂)·mean_j O_ij²   P_ij = O_ij/(√v_i + ε_v)   W ← W(1 − ηλ) − η·s·P·‖O‖/(‖P‖ + ε_v)
 *
 * Everything else as in `muon`. A row of O that is 0 stays 0; a dead neuron's noise becomes a row as long as any other.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · TransformError if `strict`
 */
export function norMuon(options: NorMuonOptions = {}): Rule {
  const { beta2, varianceEpsilon, varianceAxis, ...o } = resolve('normuon', options, {
    ...muonOptions('normuon'),
    beta2: unit(0.95),
    varianceEpsilon: positive(1e-10),
    varianceAxis: choice('rows', ['rows', 'longer']),
  });
  return muonRule(o, { beta2, varianceEpsilon, varianceAxis });
}

/** The settings of karpathy/nanochat: rows made equal before, the length after, decay only where the step shrinks too. */
export const nanochat: NorMuonOptions = {
  orthogonalization: 'schedule',
  schedule: polarExpressFive,
  safety: 1.01,
  epsilon: 1e-6,
  equilibrate: 'rows',
  renormalize: true,
  beta2: 0.9,
  varianceAxis: 'longer',
  varianceEpsilon: 1e-15,
  decayMode: 'cautious',
  scaleDecay: true,
};

/** The settings of microsoft/dion; its ε is compared with momentum as a sum, ours with the mean: 10⁻⁸·(1 − 0.95). */
export const dion: NorMuonOptions = {
  learningRate: 0.01,
  nesterov: false,
  scale: 'spectral',
  weightDecay: 0.01,
  orthogonalization: 'schedule',
  schedule: polarExpressFive,
  safety: 1.02,
  epsilon: 5e-10,
  varianceEpsilon: 1e-8,
};
