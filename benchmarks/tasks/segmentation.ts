import { stream } from '../../examples/race/src/stream.ts';
import { autoencoding } from './network/autoencoding.ts';
import { accuracy } from './network/cross-entropy.ts';
import { diceFocal } from './network/dice-focal.ts';
import { networkTask, type Samples } from './network/network-task.ts';
import { classCount, segmentedSignal, signalLength } from './random/segmented-signal.ts';
import type { Task } from './task.ts';

const [trainCount, testCount] = [3200, 800];
const count = trainCount + testCount;

/** All signals [4000, 32] and their labels, drawn from stream (0, 3): the same for every seed. */
function generate(): { readonly signals: Float32Array; readonly labels: Uint8Array } {
  const draw = stream(0, 'data');
  const signals = new Float32Array(count * signalLength);
  const labels = new Uint8Array(count * signalLength);
  for (let row = 0; row < count; row++) {
    const one = segmentedSignal(draw);
    signals.set(one.signal, row * signalLength);
    labels.set(one.labels, row * signalLength);
  }
  return { signals, labels };
}

let generated: ReturnType<typeof generate> | undefined;
const all = (): ReturnType<typeof generate> => {
  generated ??= generate();
  return generated;
};

function samples(from: number, to: number): Samples {
  const { signals, labels } = all();
  const targets = new Float32Array((to - from) * signalLength * classCount);
  labels.subarray(from * signalLength, to * signalLength).forEach((label, i) => {
    targets[i * classCount + label] = 1;
  });
  return {
    count: to - from,
    inputs: { shape: [signalLength], data: signals.subarray(from * signalLength, to * signalLength) },
    targets: { shape: [signalLength, classCount], data: targets },
  };
}

/** Every sample of a synthetic signal told to be one of five kinds of curve, dice + focal loss. */
export const segmentation: Task = networkTask({
  name: 'segmentation',
  steps: 500,
  batchSize: 64,
  smoothingSigma: 8,
  testEvery: 50,
  lossAxis: 'linear',
  testLossAxis: 'linear',
  network: autoencoding([32, 48, 64], signalLength, classCount),
  loss: diceFocal,
  accuracy,
  samples: () => ({ train: samples(0, trainCount), test: samples(trainCount, count) }),
  data: all,
});
