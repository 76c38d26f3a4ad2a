import type { SoapOptions } from './soap.ts';

/**
 * As in the runs of 2026 (modded-nanogpt, track 3): a refresh in every step, no corrections, a first step along the raw momentum, and the
 * length of the momentum by the 4-norm of its singular values, for a polar factor or norm control behind it.
 */
export const everyStep: SoapOptions = {
  learningRate: 0.0375,
  beta1: 0.95,
  beta2: 0.9,
  shampooBeta: 0.9,
  preconditionFrequency: 1,
  correctBias: false,
  weightDecay: 0,
  firstCall: 'raw',
  nesterov: true,
  secondMomentOf: 'direction',
  denominator: 'max',
  rescale: 'schatten4',
};

/** KL-SOAP (Lin et al. 2025): Adam in the eigenbasis of factors that whiten one another. Columns keep their slots, as in its code. */
export const klSoap: SoapOptions = { factor: 'kl', beta1: 0.9, beta2: 0.98, correctBias: false, sortOnRefresh: false };
