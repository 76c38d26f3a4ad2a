import type { Parameter, TaskRun } from '../../../benchmarks/tasks/task.ts';
import { batches } from '../../../examples/race/src/batches.ts';
import { initialWeights } from '../../../examples/race/src/initial-weights.ts';
import { parameterShapes } from '../../../examples/race/src/model.ts';
import { stream } from '../../../examples/race/src/stream.ts';
import { classifier } from './classifier.ts';
import { type Mnist1d, pick } from './data.ts';
import type { RaceTask } from './task-names.ts';

/** One lane's problem. Each `step` draws the next batch; lanes of one seed see the same ones. */
export type LaneProblem = Pick<TaskRun, 'parameters' | 'step' | 'test'>;

/** A problem for any number of lanes. */
export interface Posed {
  lane(): Promise<LaneProblem>;
  dispose(): void;
}

/** Those of the ten tasks that are raced, loaded with the differentiator they need when one is chosen. */
const recorded = {
  convnet: async () => (await import('../../../benchmarks/tasks/convnet.ts')).convnet,
  'matrix-sign': async () => (await import('../../../benchmarks/tasks/matrix-sign.ts')).matrixSign,
  'matrix-inverse-l1': async () => (await import('../../../benchmarks/tasks/matrix-inverse-l1.ts')).matrixInverseL1,
  'inverse-of-inverse': async () => (await import('../../../benchmarks/tasks/inverse-of-inverse.ts')).inverseOfInverse,
} as const;

export interface Start {
  readonly task: RaceTask;
  readonly seed: number;
  /** Samples of a batch of the MLP; the other tasks have their own. */
  readonly batch: number;
}

export async function posed({ task, seed, batch }: Start, data: () => Mnist1d | Promise<Mnist1d>): Promise<Posed> {
  if (task === 'mlp') return multilayerPerceptron(seed, batch, await data());
  if (task === 'convnet') await data();
  const made = await recorded[task]();
  const runs: TaskRun[] = [];
  return {
    async lane() {
      const run = await made.start(seed);
      runs.push(run);
      return run;
    },
    dispose() {
      for (const run of runs) run.dispose();
    },
  };
}

/** The MLP with gradients that are a program like any optimizer's; all lanes share it. */
function multilayerPerceptron(seed: number, batch: number, { train, test }: Mnist1d): Posed {
  const model = classifier();
  const initial = initialWeights(stream(seed, 'weights'));
  const parameters = Object.fromEntries(
    parameterShapes.map(({ name, shape }): [string, Parameter] => [name, { shape, data: initial[name] ?? new Float32Array(0) }]),
  );
  return {
    async lane() {
      const nextBatch = batches(train.count, batch, stream(seed, 'batches'));
      return {
        parameters,
        step: (values) => model.lossAndGradients(values, pick(train, nextBatch())),
        test: (values) => model.evaluate(values, test),
      };
    },
    dispose: () => model.dispose(),
  };
}
