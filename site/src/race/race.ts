import { wasm } from '@opt/backend-wasm';
import { createOptimizer, type Optimizer } from '@opt/core';
import type { Mnist1d } from './data.ts';
import { entrantNamed, type Options, standardOptions } from './entrants.ts';
import type { RaceTask } from './task-names.ts';
import { type LaneProblem, posed } from './tasks.ts';

export interface LaneSettings {
  readonly optimizer: string;
  readonly options: Options;
}

export interface RaceSettings {
  readonly task: RaceTask;
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

/** For who looks closer than at losses. */
export interface Lane {
  readonly optimizer: Optimizer<string, 'sync', 'sync', never, 'f32'>;
  /** Of the latest step; empty before the first. */
  readonly gradients: Readonly<Record<string, Float32Array>>;
}

export interface Race {
  readonly steps: number;
  readonly lanes: readonly Lane[];
  /** One batch for every lane. */
  step(): readonly LaneState[];
  /** Changes a lane's learning rate from the next step on. */
  setRate(lane: number, rate: number): void;
  /** Share of the test set that each lane gets right; null where there is none. */
  accuracies(): readonly number[] | null;
  /** Bits of every lane's weights, as 16 hexadecimal digits. */
  fingerprints(): readonly string[];
  dispose(): void;
}

/**
 * Every lane starts from the same weights and sees the same batches. Optimizers and the MLP run on wasm without fused multiply-add; `data` is asked
 * for by tasks on MNIST-1D.
 */
export async function race({ lanes, ...start }: RaceSettings, data: () => Mnist1d | Promise<Mnist1d>): Promise<Race> {
  // Options first: nothing is loaded for a race that cannot be run.
  const rules = lanes.map(({ optimizer, options }) =>
    entrantNamed(optimizer).make({ ...standardOptions(optimizer, start.task), ...options }),
  );
  const problem = await posed(start, data);
  const field = await Promise.all(rules.map(async (rule) => new Runner(await problem.lane(), rule)));
  let steps = 0;
  return {
    lanes: field,
    get steps() {
      return steps;
    },
    step() {
      steps += 1;
      return field.map((lane) => lane.step());
    },
    setRate: (lane, rate) => field[lane]?.optimizer.set('learningRate', rate),
    accuracies() {
      const found = field.map((lane) => lane.accuracy());
      return found.every((one) => one !== undefined) ? found : null;
    },
    fingerprints: () => field.map(({ optimizer }) => fingerprint(Object.values(optimizer.parameters))),
    dispose() {
      for (const lane of field) lane.dispose();
      problem.dispose();
    },
  };
}

class Runner implements Lane {
  readonly optimizer: Lane['optimizer'];
  gradients: Lane['gradients'] = {};
  private readonly problem: LaneProblem;
  private readonly backend = wasm({ fma: false });
  private milliseconds = 0;

  constructor(problem: LaneProblem, transform: Parameters<typeof createOptimizer>[0]['transform']) {
    this.problem = problem;
    this.optimizer = createOptimizer({ transform, parameters: problem.parameters, backend: this.backend });
  }

  step(): LaneState {
    const before = performance.now();
    const { loss, gradients } = this.problem.step(this.optimizer.parameters);
    this.optimizer.step(gradients);
    this.gradients = gradients;
    this.milliseconds += performance.now() - before;
    return { loss, milliseconds: this.milliseconds };
  }

  accuracy(): number | undefined {
    return this.problem.test?.(this.optimizer.parameters).accuracy;
  }

  dispose(): void {
    this.optimizer.dispose();
    this.backend.dispose();
  }
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
