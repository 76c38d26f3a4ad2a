import { wasm } from '@opt/backend-wasm';
import { createOptimizer } from '@opt/core';
import { batches } from '../../../examples/race/src/batches.ts';
import { initialWeights } from '../../../examples/race/src/initial-weights.ts';
import { parameterShapes } from '../../../examples/race/src/model.ts';
import { stream } from '../../../examples/race/src/stream.ts';
import { classifier } from './classifier.ts';
import { type Mnist1d, pick } from './data.ts';
import { entrantNamed, type Options } from './entrants.ts';

export interface LaneSettings {
  readonly optimizer: string;
  readonly options: Options;
}

export interface RaceSettings {
  readonly seed: number;
  readonly batch: number;
  readonly lanes: readonly LaneSettings[];
}

/** Where a lane is after a step. */
export interface LaneState {
  /** Of the batch, before the update. */
  readonly loss: number;
  /** Milliseconds of the lane's gradients and updates so far. */
  readonly milliseconds: number;
}

export interface Race {
  readonly steps: number;
  /** One batch for every lane. */
  step(): readonly LaneState[];
  /** Changes a lane's learning rate from the next step on. */
  setRate(lane: number, rate: number): void;
  /** Share of the test set that each lane gets right. */
  accuracies(): readonly number[];
  /** Bits of every lane's weights, as 16 hexadecimal digits. */
  fingerprints(): readonly string[];
  dispose(): void;
}

/** Every lane starts from the same weights and sees the same batches. Everything runs on wasm without fused multiply-add. */
export function race({ seed, batch, lanes }: RaceSettings, data: Mnist1d): Race {
  const initial = initialWeights(stream(seed, 'weights'));
  const nextBatch = batches(data.train.count, batch, stream(seed, 'batches'));
  const model = classifier();
  const field = lanes.map(({ optimizer, options }) => {
    const backend = wasm({ fma: false });
    const parameters = Object.fromEntries(parameterShapes.map(({ name, shape }) => [name, { shape, data: initial[name] ?? [] }]));
    const made = createOptimizer({ transform: entrantNamed(optimizer).make(options), parameters, backend });
    return { backend, made, milliseconds: 0 };
  });
  let steps = 0;
  return {
    get steps() {
      return steps;
    },
    step() {
      const samples = pick(data.train, nextBatch());
      steps += 1;
      return field.map((lane): LaneState => {
        const before = performance.now();
        const { loss, gradients } = model.lossAndGradients(lane.made.parameters, samples);
        lane.made.step(gradients);
        lane.milliseconds += performance.now() - before;
        return { loss, milliseconds: lane.milliseconds };
      });
    },
    setRate: (lane, rate) => field[lane]?.made.set('learningRate', rate),
    accuracies: () => field.map(({ made }) => model.evaluate(made.parameters, data.test).accuracy),
    fingerprints: () =>
      field.map(({ made }) => fingerprint(parameterShapes.map(({ name }) => made.parameters[name] ?? new Float32Array(0)))),
    dispose() {
      for (const { made, backend } of field) {
        made.dispose();
        backend.dispose();
      }
      model.dispose();
    },
  };
}

/** FNV-1a over the bytes, in two halves of 32 bits with different starts. */
function fingerprint(arrays: readonly (Float32Array | Float64Array)[]): string {
  let [a, b] = [0x811c9dc5, 0x01234567];
  for (const array of arrays) {
    const bytes = new Uint8Array(Float32Array.from(array).buffer);
    for (const byte of bytes) {
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b ^ byte, 0x01000193);
    }
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
