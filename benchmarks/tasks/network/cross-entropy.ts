import { lax, numpy as np } from '@jax-js/jax';

/**
 * ln s for s ≥ 1. The logarithm of jax-js is exact to float32 near 1 from above, but off by 1e-5 towards 2, 4, 8: there one step of
 * Newton's, s·e^−y − 1, is added to its y. The derivative is that of the logarithm.
 */
export const logAboveOne = (s: np.Array): np.Array => {
  const y = np.log(s.ref);
  const step = s.ref.mul(np.exp(y.ref.neg())).sub(1);
  return y.add(lax.stopGradient(np.where(s.greater(1.25), step, np.zerosLike(step.ref))));
};

/** Mean over samples of −Σ_c target_c · ln softmax(scores)_c; classes on the last axis. */
export const crossEntropy = (scores: np.Array, targets: np.Array): np.Array => {
  const shifted = scores.ref.sub(lax.stopGradient(np.max(scores, -1, { keepdims: true })));
  const logSum = logAboveOne(np.sum(np.exp(shifted.ref), -1));
  return np.mean(logSum.sub(np.sum(shifted.mul(targets), -1)));
};

/** Share of rows whose largest score stands where the target's 1 is. */
export const accuracy = (scores: np.Array, targets: np.Array): np.Array =>
  np.mean(np.astype(np.equal(np.argmax(scores, -1), np.argmax(targets, -1)), np.float32));
