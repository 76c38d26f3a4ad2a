import { createOptimizer, type Floats, OptError, type Optimizer, type Rule, required, type Shape } from '@opt/core';
import {
  average,
  type Codec,
  chunkedTopK,
  diloco,
  ErrorFeedback,
  linear,
  merged,
  none,
  pseudoGradient,
  roundTrip,
  sparseLoco,
  streaming,
  Turns,
  table,
  topK,
} from '@opt/local-sgd';
import type { AnyBackend, Family, Hyperparameters, Inputs, MakeReplay, Outputs } from './family.ts';

const codecKinds: Readonly<Record<string, (options: Hyperparameters) => Codec>> = {
  statistical: table,
  rowStatistical: (options) => table({ ...options, per: 'row' }),
  linear,
  rowLinear: (options) => linear({ ...options, per: 'row' }),
  topK,
  chunkedTopK,
};

function codecOf({ codec, ...options }: Hyperparameters): Codec {
  const make = codecKinds[String(codec)];
  if (make === undefined)
    throw new OptError('transform', `no codec is called '${String(codec)}', known are ${Object.keys(codecKinds).join(', ')}`);
  return make(options);
}

/** Recorded numbers as a backend has them. */
const heldBy = ({ precision }: AnyBackend, data: readonly number[]): Floats =>
  precision === 'f64' ? Float64Array.from(data) : Float32Array.from(data);

const replayCodec: MakeReplay = async (hyperparameters, backend) => {
  const codec = codecOf(hyperparameters);
  return async (inputs) => {
    const { shape, data } = required(inputs, 'x', 'input');
    const x = heldBy(backend, data);
    const bytes = codec.encode(x, shape);
    const sent = codec.decode(bytes, shape, backend.precision);
    return {
      decoded: codec.restore(sent.values, shape),
      bytes: [codec.bytes(shape)],
      ...(sent.packed && { packed: sent.packed }),
      ...(sent.positions && { indices: sent.positions }),
    };
  };
};

/** The common parameters on a backend, and the outer optimizer that moves them. */
class Anchors {
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly backend: AnyBackend;
  private readonly optimizer: Optimizer;

  private constructor(shapes: Readonly<Record<string, Shape>>, backend: AnyBackend, optimizer: Optimizer) {
    this.shapes = shapes;
    this.backend = backend;
    this.optimizer = optimizer;
  }

  static async make(transform: Rule, backend: AnyBackend, first: Inputs): Promise<Anchors> {
    const parameters = Object.fromEntries(
      Object.entries(first).flatMap(([name, tensor]) => (name.startsWith('common.') ? [[name.slice(7), tensor]] : [])),
    );
    const shapes = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]));
    return new Anchors(shapes, backend, await createOptimizer({ transform, parameters, backend }));
  }

  get names(): readonly string[] {
    return Object.keys(this.shapes);
  }

  shape(name: string): Shape {
    return required(this.shapes, name, 'parameter');
  }

  async value(name: string): Promise<Floats> {
    return (await required(this.optimizer.parameters, name, 'parameter')).slice();
  }

  async step(ways: Readonly<Record<string, Floats>>): Promise<void> {
    await this.optimizer.step(ways);
  }

  async outputs(): Promise<Record<string, Floats>> {
    return Object.fromEntries(await Promise.all(this.names.map(async (name) => [`common.${name}`, await this.value(name)] as const)));
  }
}

const workersOf = ({ workers }: Hyperparameters): number[] => Array.from({ length: Number(workers) }, (_, i) => i);

/** What each recorded outer step is made of. */
interface OuterStep {
  readonly rule: Rule;
  readonly codec: Codec;
  readonly feedback?: { readonly errorDecay: number; readonly errorFeedback: number };
  readonly average?: Parameters<typeof average>[4];
  /** The mean goes through the codec once more. */
  readonly again?: boolean;
}

/** Parameters after inner steps come in, the common ones go out. */
const replayOuter =
  (make: (hyperparameters: Hyperparameters) => OuterStep): MakeReplay =>
  async (hyperparameters, backend, first) => {
    const { rule, codec, feedback, again, average: options } = make(hyperparameters);
    const anchors = await Anchors.make(rule, backend, first);
    const workers = workersOf(hyperparameters).map(() => new ErrorFeedback(codec, feedback));
    return async (inputs) => {
      const ways: Record<string, Floats> = {};
      const errors: Record<string, Floats> = {};
      for (const name of anchors.names) {
        const [shape, common] = [anchors.shape(name), await anchors.value(name)];
        const parts = workers.map((worker, i) => {
          const delta = pseudoGradient(common, heldBy(backend, required(inputs, `worker${i}.${name}`, 'input').data));
          const bytes = feedback === undefined ? codec.encode(delta, shape) : worker.encode(name, delta, shape);
          const error = worker.errors.get(name);
          if (error !== undefined) errors[`worker${i}.${name}.error`] = error;
          return { bytes, weight: inputs['tokens']?.data[i] ?? 1 };
        });
        const mean = average(codec, parts, shape, backend.precision, options);
        if (mean !== undefined) ways[name] = again === true ? roundTrip(codec, mean, shape) : mean;
      }
      if (Object.keys(ways).length > 0) await anchors.step(ways);
      return { ...(await anchors.outputs()), ...errors };
    };
  };

/** Workers that only add what was recorded, synchronised in fragments. */
const replayStreaming: MakeReplay = async (hyperparameters, backend, first) => {
  const { outerLearningRate, outerMomentum, fragments, syncEvery, delay, merge, failedSyncs } = hyperparameters;
  const anchors = await Anchors.make(diloco(given({ outerLearningRate, outerMomentum })), backend, first);
  const plan = streaming('streaming', anchors.names, given({ fragments, syncEvery, delay, merge }));
  const turns = new Turns(plan);
  const codec = none();
  const failed: readonly unknown[] = Array.isArray(failedSyncs) ? failedSyncs : [];
  const starts = await Promise.all(anchors.names.map(async (name) => [name, await anchors.value(name)] as const));
  const workers = workersOf(hyperparameters).map(() => new Map(starts));
  const localOf = (worker: ReadonlyMap<string, Floats>, name: string): Floats => required(Object.fromEntries(worker), name, 'parameter');
  let pending: Record<string, Floats> = {};
  let receives = 0;

  return async (inputs) => {
    workers.forEach((worker, i) => {
      for (const name of anchors.names) {
        const update = required(inputs, `worker${i}.${name}.update`, 'input').data;
        const moved = localOf(worker, name).map((x, at) => x + (update[at] ?? 0));
        worker.set(name, moved);
      }
    });
    const { send, receive } = turns.advance();
    const names = plan.fragments[turns.fragment] ?? [];
    if (send) {
      pending = {};
      for (const name of names) {
        const [shape, common] = [anchors.shape(name), await anchors.value(name)];
        const parts = workers.map((worker) => ({ bytes: codec.encode(pseudoGradient(common, localOf(worker, name)), shape), weight: 1 }));
        pending[name] = average(codec, parts, shape, backend.precision) ?? common;
      }
    }
    if (receive) {
      const succeeded = !failed.includes(++receives);
      if (succeeded) await anchors.step(pending);
      for (const name of names) {
        const common = await anchors.value(name);
        for (const worker of workers) worker.set(name, succeeded ? merged(common, localOf(worker, name), plan.merge) : common);
      }
      turns.over(succeeded);
    }
    const outputs: Record<string, ArrayLike<number>> = await anchors.outputs();
    workers.forEach((worker, i) => {
      for (const name of anchors.names) outputs[`worker${i}.${name}`] = localOf(worker, name);
    });
    return outputs satisfies Outputs;
  };
};

/** Options that were recorded; the others have their defaults. */
const given = (options: Hyperparameters): Hyperparameters =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

const nesterov = ({ outerLearningRate, outerMomentum, nesterov: ahead }: Hyperparameters): Rule =>
  diloco(given({ outerLearningRate, outerMomentum, nesterov: ahead }));

/** Local SGD: what goes over a network is bytes, so codecs and sums are the host's; outer steps run on the backend. */
export const localSgdFamily: Family = {
  optimizers: {},
  components: {
    codec: replayCodec,
    'outer-step': replayOuter((options) => ({ rule: nesterov(options), codec: none() })),
    'sparse-outer-step': replayOuter((options) => {
      const { outerLearningRate, errorDecay, errorFeedback, aggregate, sign, workers: _, ...codec } = options;
      return {
        rule: sparseLoco(given({ outerLearningRate })),
        codec: chunkedTopK(codec),
        feedback: { errorDecay: Number(errorDecay ?? 0.999), errorFeedback: Number(errorFeedback ?? 1) },
        average: { aggregate: aggregate === 'all' ? 'all' : 'senders', sign: sign === true },
      };
    }),
    'quantized-outer-step': replayOuter((options) => {
      const { codec, bins, rangeInSigmas, keep, errorDecay, errorFeedback, requantizeMean, useErrorFeedback } = options;
      return {
        rule: nesterov(options),
        codec: codecOf(given({ codec: codec ?? 'statistical', bins, rangeInSigmas, keep })),
        ...(useErrorFeedback !== false && {
          feedback: { errorDecay: Number(errorDecay ?? 0.95), errorFeedback: Number(errorFeedback ?? 1) },
        }),
        average: { aggregate: 'all' },
        again: requantizeMean === undefined ? codec !== 'topK' : requantizeMean === true,
      };
    }),
    streaming: replayStreaming,
  },
};
