import { flag, integer, type Metrics, message, type Norms, type Option, OptionTypeError, resolve } from '@opt/core';
import { type Scalar, Tensor } from '@tensorflow/tfjs-core';
import { TransformOptimizer } from './optimizer/transform-optimizer.ts';

/** What `fit` hands to callbacks, and from them to the history. */
export type Logs = Record<string, number>;

/** A callback for `model.fit`, alone or in a list. */
export interface FitCallback {
  onEpochEnd(epoch: number, logs?: Logs): Promise<void>;
}

export interface LogMetricsOptions {
  /** Norms of every variable too, such as `update_norm/dense/kernel`; default false. */
  readonly parameters?: boolean;
}

/**
 * Puts what `optimizer.metrics()` knows at the end of an epoch into its logs, and so into the history: `gradient_norm`, `update_norm`,
 * `parameter_norm`, `update_ratio`, `clip_factor`, `skipped_steps`, and hyperparameters by address (`learningRate`). What was not measured is left
 * out, of a variable it is NaN.
 *
 * @throws OptionTypeError for an optimizer that is not of `toTfjsOptimizer`, or measures nothing
 */
export function logMetrics(optimizer: TransformOptimizer, options: LogMetricsOptions = {}): FitCallback {
  const ours = optimizerOption(optimizer, 'logMetrics', 'optimizer');
  const { parameters } = resolve('logMetrics', options, { parameters: flag(false) });
  // Refuses at once one that measures nothing.
  ours.metrics();
  return {
    async onEpochEnd(_, logs) {
      const metrics = await ours.metrics();
      if (metrics !== undefined && logs !== undefined) Object.assign(logs, logsOf(metrics, parameters));
    },
  };
}

const normLogs = (
  { gradient, update, parameter, ratio, clip }: Norms,
  suffix = '',
): readonly (readonly [name: string, value: number | undefined])[] => [
  [`gradient_norm${suffix}`, gradient],
  [`update_norm${suffix}`, update],
  [`parameter_norm${suffix}`, parameter],
  [`update_ratio${suffix}`, ratio],
  [`clip_factor${suffix}`, clip],
];

function logsOf(metrics: Metrics, parameters: boolean): Logs {
  const known = normLogs(metrics).flatMap(([name, value]): [string, number][] => (value === undefined ? [] : [[name, value]]));
  const each = Object.entries(metrics.parameters).flatMap(([name, norms]) => normLogs(norms, `/${name}`));
  return {
    ...Object.fromEntries(known),
    ...(parameters && Object.fromEntries(each.map(([name, value]) => [name, value ?? Number.NaN]))),
    skipped_steps: metrics.skipped,
    ...metrics.rates,
  };
}

/** What a layers model is asked for. */
export interface EvaluatedModel {
  readonly metricsNames: string[];
  evaluate(x: Tensor | Tensor[], y: Tensor | Tensor[], args?: { readonly batchSize?: number }): Scalar | Scalar[];
}

export interface ValidateOptions {
  /** What `model.evaluate` is given, in batches of `batchSize`, default 32. */
  readonly x: Tensor | Tensor[];
  readonly y: Tensor | Tensor[];
  readonly batchSize?: number;
  /** In front of the names of the model's losses and metrics; default `'val_'`, as `validationData` of `fit` has it. */
  readonly prefix?: string;
}

/**
 * Validates at the end of an epoch with what the model is to be judged with (`optimizer.evaluating`): averages of weights where the optimizer
 * keeps some. In place of `validationData`, which judges the weights as they are trained.
 *
 * @throws OptionTypeError for arguments that are something else
 */
export function validate(optimizer: TransformOptimizer, model: EvaluatedModel, options: ValidateOptions): FitCallback {
  const ours = optimizerOption(optimizer, 'validate', 'optimizer');
  const { evaluate } = evaluatedOption(model, 'validate', 'model');
  const { x, y, batchSize, prefix } = resolve('validate', options, {
    x: tensors,
    y: tensors,
    batchSize: integer(32),
    prefix: (value: unknown = 'val_', rule: string, option: string) => {
      if (typeof value !== 'string') throw new OptionTypeError(message(rule, option, "a string such as 'val_'", value));
      return value;
    },
  });
  return {
    async onEpochEnd(_, logs) {
      const result = await ours.evaluating(() => evaluate.call(model, x, y, { batchSize }));
      for (const [i, scalar] of [result].flat().entries()) {
        const [value = Number.NaN] = await scalar.data();
        scalar.dispose();
        if (logs !== undefined) logs[`${prefix}${model.metricsNames[i] ?? i}`] = value;
      }
    },
  };
}

/** By what only ours has: `instanceof` asks for methods that every optimizer of tfjs has. */
const optimizerOption: Option<TransformOptimizer> = (value, rule, option) => {
  if (typeof value === 'object' && value !== null && 'evaluating' in value && value instanceof TransformOptimizer) return value;
  throw new OptionTypeError(message(rule, option, 'an optimizer of toTfjsOptimizer(transform)', value));
};

const isEvaluated = (value: unknown): value is EvaluatedModel =>
  typeof value === 'object' && value !== null && 'metricsNames' in value && 'evaluate' in value && typeof value.evaluate === 'function';

const evaluatedOption: Option<EvaluatedModel> = (value, rule, option) => {
  if (isEvaluated(value)) return value;
  throw new OptionTypeError(message(rule, option, 'a layers model', value));
};

const isTensors = (value: unknown): value is Tensor | Tensor[] => [value].flat().every((one) => one instanceof Tensor);

const tensors: Option<Tensor | Tensor[]> = (value, rule, option) => {
  if (isTensors(value)) return value;
  throw new OptionTypeError(message(rule, option, 'a tensor, or an array of tensors', value));
};
