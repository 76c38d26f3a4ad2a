import { dispose, type io, type Optimizer, Tensor, Variable } from '@tensorflow/tfjs-core';
import { initializers, type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';

/** Makes an optimizer for these models; the same kind every time, under one name. */
export type Maker = (...models: readonly LayersModel[]) => Optimizer;

/** A model in training. */
export interface Training {
  /** Trains on all data once, and gives the loss. */
  epoch(): Promise<number>;
  /** Saves everything, and gives a training that goes on from what was saved. */
  resumed(): Promise<Training>;
  /** Every weight, as numbers. */
  weights(): number[][];
  dispose(): void;
}

export interface Program {
  readonly name: string;
  /** Two against each other: the loss of one need not fall. */
  readonly game?: boolean;
  start(make: Maker): Training;
}

/** A kernel drawn from a seed. */
export const kernel = (seed: number) => initializers.glorotUniform({ seed });

/** What a model makes of inputs, differentiably. */
export function forward(model: LayersModel, x: Tensor): Tensor {
  const output = model.apply(x, { training: true });
  if (!(output instanceof Tensor)) throw new TypeError(`model '${model.name}' gave no tensor`);
  return output;
}

/** The variables of models that are trained. */
export const trained = (...models: readonly LayersModel[]): Variable[] =>
  models
    .flatMap((model) => model.trainableWeights.map((weight) => weight.read()))
    .filter((one): one is Variable => one instanceof Variable);

export const numbers = (model: LayersModel): number[][] => model.getWeights().map((weight) => [...weight.dataSync()]);

/** Saves a model with its optimizer into memory and loads it. */
export async function reloaded(model: LayersModel): Promise<LayersModel> {
  const saved: io.ModelArtifacts[] = [];
  await model.save(
    {
      save: async (artifacts) => {
        saved.push(artifacts);
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      },
    },
    { includeOptimizer: true },
  );
  return loadLayersModel({ load: async () => saved[0] ?? {} });
}

export interface Fitting {
  readonly build: () => LayersModel;
  readonly loss: string;
  readonly x: () => Tensor | Tensor[];
  readonly y: () => Tensor;
  readonly batchSize: number;
}

/** Training with `model.compile` and `model.fit`. */
export function fitting({ build, loss, x, y, batchSize }: Fitting): (make: Maker) => Training {
  const train = (model: LayersModel): Training => ({
    async epoch() {
      const [xs, ys] = [x(), y()];
      const { history } = await model.fit(xs, ys, { epochs: 1, batchSize, shuffle: false, verbose: 0 });
      dispose([xs, ys]);
      return Number(history['loss']?.at(-1));
    },
    async resumed() {
      return train(await reloaded(model));
    },
    weights: () => numbers(model),
    dispose() {
      model.dispose();
      model.optimizer.dispose();
    },
  });
  return (make) => {
    const model = build();
    model.compile({ optimizer: make(model), loss });
    return train(model);
  };
}

/** Training in a loop of one's own. */
export interface Loop {
  readonly optimizers: readonly Optimizer[];
  /** Everything that is saved beside the optimizers, in an order that is always the same. */
  readonly values: () => Tensor[];
  readonly restore: (values: Tensor[]) => void;
  readonly epoch: () => Promise<number>;
  readonly dispose: () => void;
}

/** What was saved goes into models and optimizers that are made again. */
export const looping =
  (begin: (make: Maker) => Loop): ((make: Maker) => Training) =>
  (make) => {
    const train = ({ optimizers, values, epoch, dispose: end }: Loop): Training => ({
      epoch,
      async resumed() {
        const next = begin(make);
        next.restore(values());
        for (const [i, optimizer] of next.optimizers.entries()) await optimizer.setWeights((await optimizers[i]?.getWeights()) ?? []);
        return train(next);
      },
      weights: () => values().map((value) => [...value.dataSync()]),
      dispose() {
        end();
        for (const optimizer of optimizers) optimizer.dispose();
      },
    });
    return train(begin(make));
  };

/** The values of models, for a loop. */
export const held = (...models: readonly LayersModel[]): Pick<Loop, 'values' | 'restore' | 'dispose'> => ({
  values: () => models.flatMap((model) => model.getWeights()),
  restore(values) {
    let at = 0;
    for (const model of models) {
      const end = at + model.weights.length;
      model.setWeights(values.slice(at, end));
      at = end;
    }
  },
  dispose() {
    for (const model of models) model.dispose();
  },
});
