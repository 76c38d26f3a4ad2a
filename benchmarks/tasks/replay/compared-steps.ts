import type { TaskName } from '../task.ts';

/** Training losses are compared from step 2 up to this one; later, rounding alone moves them too far. */
export const lastCompared = 20;

interface LeftOut {
  /** Recorded steps that are not compared. */
  readonly steps: readonly number[];
  /** What PyTorch itself does there. */
  readonly because: string;
}

/**
 * Everything is compared up to step 20 but this. PyTorch here is 1.13 with OpenBLAS and each optimizer written down anew in the order of
 * operations of the recorded one; a limit is ten times what `perturbed` differs by, or 1e-4.
 */
const leftOut: Partial<Record<TaskName, Readonly<Record<string, LeftOut>>>> = {
  convnet: {
    'soap-normalize-ema': {
      steps: [10],
      because:
        'the head has 246 null directions in its first basis, and PyTorch is off by 2.8e-4 to 3.4e-4 on four sets of kernels and in float64, by 1.8e-4 to 3.4e-4 with these directions turned at random, ours by 3.1e-4; the limit is 1e-4 because moving the weights by one rounding leaves them where they were',
    },
  },
  autoencoder: {
    soap: {
      steps: [10],
      because:
        'ours is off by 3.9e-3, and by 2.1e-3 to 5.9e-3 where every gradient is moved by one rounding; PyTorch by 0.9e-3 to 1.9e-2 on four sets of kernels and by 1.7e-2 in float64; the limit is 4.0e-3',
    },
  },
  segmentation: {
    'sgd-momentum': {
      steps: [20],
      because:
        'with the same two inputs of ReLUs turned, PyTorch in float64 is off by 2e-6 at step 10 and by 4.9e-4 at step 20, and ours by the same; of 47 more within 1.3e-5 of 0 no one makes the difference',
    },
    adamw: {
      steps: [20],
      because:
        'with the same input of a ReLU turned, PyTorch in float64 is off by 6e-7 at step 10 and by 8.7e-4 at step 20, ours by 1.4e-6 and 8.7e-4; of 48 more within 2e-5 of 0 no one makes the difference',
    },
  },
  quadratic: {
    'soap-normalize-ema': {
      steps: [5, 10, 20],
      because:
        'the gradients are of rank 1, so that in 511 of 512 directions the recorded run moves by rounding, which ours counts as 0: at step 10 PyTorch is off by 1.0e-2 to 3.9e-2 on four sets of kernels and by 1.5e-3 in float64',
    },
  },
  'matrix-inverse-l1': {
    'soap-normalize-ema': {
      steps: [20],
      because:
        'the recorded run moves along coordinates that hold rounding, which ours counts as 0: ours is off by 3.80e-3 in float32 and by 3.81e-3 in float64, the limit is 2.3e-3',
    },
  },
  'matrix-sign': {
    'soap-normalize-ema': {
      steps: [20],
      because:
        'with the first basis found in float32 PyTorch is off by 0.8e-4 to 3.3e-4 on four sets of kernels, ours by 3.8e-4, the limit is 2.0e-4; with it found in float64 PyTorch is off by 5.2e-3',
    },
  },
};

export const leftOutOf = (task: TaskName, optimizer: string): LeftOut => leftOut[task]?.[optimizer] ?? { steps: [], because: '' };
