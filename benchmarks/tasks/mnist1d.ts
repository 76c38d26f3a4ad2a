import { mnist1d, type Samples as Signals } from '../../examples/race/src/mnist1d.ts';
import type { Samples } from './network/network-task.ts';

type Parts = Readonly<Record<'train' | 'test', Samples>>;

const inputs = ({ inputs: data }: Signals) => ({ shape: [40], data });

const parts = (samples: (signals: Signals) => Samples) => (): Parts => {
  const { train, test } = mnist1d();
  return { train: samples(train), test: samples(test) };
};

/** MNIST-1D to classify: signals [40], classes one-hot [10]. */
export const labelled: () => Parts = parts((signals) => ({
  count: signals.count,
  inputs: inputs(signals),
  targets: { shape: [10], data: signals.targets },
}));

/** MNIST-1D to reconstruct: the target of a signal is the signal. */
export const reconstructed: () => Parts = parts((signals) => ({
  count: signals.count,
  inputs: inputs(signals),
  targets: inputs(signals),
}));
