import type { TaskName } from '../task.ts';

/** Training losses are compared from step 2 up to this one; later, rounding alone moves them too far. */
const last = 20;

interface Comparison {
  /** The last step that is compared. */
  readonly upTo: number;
  /** Why that is before step 20. */
  readonly because: string;
}

const reluOpens =
  'a ReLU whose input is within rounding of 0 opens on one side only, which moves every later loss; PyTorch in float64 gives ours';
const basisOfOneGradient =
  'the first gradient alone decides the basis, to rounding; the recorded run has what a solver in float32 found, ours is solved in float64';
const otherCompletion = 'the recorded run completes the bases of rectangular kernels otherwise, so that only scores compare';

const soapOnKernels = { upTo: 2, because: otherCompletion };

/** What cannot be followed to step 20, and why; everything else is. */
const shortened: Partial<Record<TaskName, Readonly<Record<string, Comparison>>>> = {
  convnet: { soap: soapOnKernels, 'soap-normalize-ema': soapOnKernels },
  autoencoder: {
    soap: soapOnKernels,
    'soap-normalize-ema': soapOnKernels,
    'sgd-momentum': { upTo: 2, because: reluOpens },
    'lm-adagrad': { upTo: 2, because: reluOpens },
  },
  segmentation: {
    soap: soapOnKernels,
    'soap-normalize-ema': soapOnKernels,
    'sgd-momentum': { upTo: 5, because: reluOpens },
    adamw: { upTo: 5, because: reluOpens },
    muon: { upTo: 5, because: reluOpens },
    'lm-adagrad': { upTo: 2, because: reluOpens },
  },
  quadratic: { 'soap-normalize-ema': { upTo: 5, because: basisOfOneGradient } },
  'inverse-of-inverse': { soap: { upTo: 2, because: basisOfOneGradient } },
  'matrix-sign': { 'soap-normalize-ema': { upTo: 2, because: basisOfOneGradient } },
};

export const comparison = (task: TaskName, optimizer: string): Comparison | { readonly upTo: number; readonly because: undefined } =>
  shortened[task]?.[optimizer] ?? { upTo: last, because: undefined };
