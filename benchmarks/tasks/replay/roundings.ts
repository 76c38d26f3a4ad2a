import type { Values } from '../task.ts';

/** An input of a ReLU that was on the other side of 0 in the recorded run. */
export interface Turn {
  /** From 1. */
  readonly step: number;
  /** The layer it comes out of, and its channel. */
  readonly layer: string;
  readonly channel: number;
  readonly open: boolean;
}

/** What rounding decided in a recorded run, and would decide otherwise in ours. */
export interface Roundings {
  readonly turns: readonly Turn[];
  /** Whether SOAP's first basis is the one that a solver in float32 finds, nothing completed. */
  readonly basisInFloat32: boolean;
}

/** What the bias of a channel is moved by to turn an input: 10⁻⁵ of what comes out of these layers, whose root mean square is 0.4 to 0.8. */
const nudge = 4e-6;

const opened = (step: number, layer: string, channel: number): Turn => ({ step, layer, channel, open: true });
const closed = (...at: Parameters<typeof opened>): Turn => ({ ...opened(...at), open: false });

const turned = (...turns: readonly Turn[]): Roundings => ({ turns, basisInFloat32: false });
const none = turned();
const basisInFloat32: Roundings = { turns: [], basisInFloat32: true };

/**
 * An autoencoder has 10⁵ inputs of ReLUs a step. Whether one of 10⁻⁶ of the others' size is open is decided by the order of sums, and moves
 * every later loss by up to 10⁻². Four of these six runs PyTorch 1.13 leaves too, in float64 as well. The inputs were found by turning, one
 * at a time, those of less than 10⁻⁵ of their layer's root mean square (these: 1·10⁻⁷ to 5·10⁻⁶): with them turned, ours follows the
 * recorded losses to 10⁻⁵ up to where they are next recorded, with the others it does not.
 *
 * The first basis of SOAP is that of a single gradient. What its small eigenvectors are is up to the solver: PyTorch 1.13 gives the recorded
 * losses of `matrix-sign` with them found in float32 and ours with them found in float64. On `inverse-of-inverse` 63 of 64 eigenvalues lie
 * below 10⁻⁶ of the largest, where ours replaces the eigenvectors.
 */
const roundings: Readonly<Record<string, Roundings>> = {
  'autoencoder by sgd-momentum': turned(opened(2, 'encoder3', 101), opened(4, 'decoder2', 21)),
  'autoencoder by lm-adagrad': turned(opened(3, 'decoder2', 19)),
  'segmentation by sgd-momentum': turned(opened(3, 'upsample', 28), opened(4, 'decoder0', 38)),
  'segmentation by adamw': turned(opened(5, 'decoder1', 0)),
  'segmentation by muon': turned(closed(4, 'encoder2', 31)),
  'segmentation by lm-adagrad': turned(opened(2, 'upsample', 9), opened(4, 'upsample', 31)),
  'inverse-of-inverse by soap': basisInFloat32,
  'matrix-sign by soap': basisInFloat32,
  'matrix-sign by soap-normalize-ema': basisInFloat32,
};

export const roundingsOf = (task: string, optimizer: string): Roundings => roundings[`${task} by ${optimizer}`] ?? none;

/** The parameters that the gradient of a step is taken at: a turned input is moved by its bias. */
export function turnedAt(step: number, parameters: Values, { turns }: Roundings): Values {
  const now = turns.filter((turn) => turn.step === step);
  if (now.length === 0) return parameters;
  const moved = Object.fromEntries(Object.entries(parameters).map(([name, values]) => [name, values.slice()]));
  for (const { layer, channel, open } of now) {
    const biases = moved[`${layer}.bias`];
    const bias = biases?.[channel];
    if (biases === undefined || bias === undefined) throw new Error(`step ${step}: there is no channel ${channel} of '${layer}' to turn`);
    biases[channel] = bias + (open ? nudge : -nudge);
  }
  return moved;
}
