import { nn, numpy as np } from '@jax-js/jax';
import { logAboveOne } from './cross-entropy.ts';

const smoothing = 1e-5;

/** Mean over batch and classes of 1 − (2Σpt + 1e-5)/(Σp + Σt + 1e-5), p = softmax over classes, sums over positions. */
const dice = (scores: np.Array, targets: np.Array): np.Array => {
  const p = nn.softmax(scores, -1);
  const overlap = np.sum(p.ref.mul(targets.ref), 1).mul(2).add(smoothing);
  const total = np.sum(p, 1).add(np.sum(targets, 1)).add(smoothing);
  return np.mean(np.subtract(1, overlap.div(total)));
};

/** Mean of σ(−z)²·(−ln σ(z)) over all elements, z = score·(2·target − 1). */
const focal = (scores: np.Array, targets: np.Array): np.Array => {
  const z = scores.mul(targets.mul(2).sub(1));
  // −ln σ(z) = max(−z, 0) + ln(1 + e^−|z|), and σ(−z) = e^−that / e^z has no overflow as 1/(1 + e^z) either.
  const surprise = np.maximum(z.ref.neg(), 0).add(logAboveOne(np.exp(np.abs(z.ref).neg()).add(1)));
  return np.mean(np.square(nn.sigmoid(z.neg())).mul(surprise));
};

/** Dice by softmax plus focal by sigmoid; scores and one-hot targets are [n, length, classes]. */
export const diceFocal = (scores: np.Array, targets: np.Array): np.Array => dice(scores.ref, targets.ref).add(focal(scores, targets));
