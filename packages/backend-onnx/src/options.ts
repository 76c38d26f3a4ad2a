import { availableParallelism } from 'node:os';
import { memoryOption } from '@opt/backend-wasm';
import { choice, fixed, flag, integer, isPlain, message, type Option, OptionTypeError, optional, resolve } from '@opt/core';
import type { InferenceSession } from 'onnxruntime-node';
import type { OnnxEngine } from './engine.ts';

export interface OnnxOptions {
  /** Threads ONNX Runtime computes with, an integer ≥ 1; default: as many as this process may use. */
  readonly threads?: number;
  /** Whether its threads wait for work by spinning, default false: faster by some microseconds on a machine that has nothing else to do. */
  readonly spinning?: boolean;
  /**
   * Multiply-adds from which a matrix product goes to ONNX Runtime, ≥ 0. Default: measured once in a process, when it is first
   * needed. The same threshold gives the same bits on the same machine, a measured one may turn out otherwise the next time.
   */
  readonly threshold?: number;
  /** `'contractions'` (default): matrix products run in ONNX Runtime; `'whole'`: whole programs, where ONNX has all their operations. */
  readonly graph?: 'contractions' | 'whole';
  /** Where sessions run, in the order of preference; default `['cpu']`. */
  readonly executionProviders?: readonly InferenceSession.ExecutionProviderConfig[];
  /** Most bytes of linear memory, at least 1 MiB, at most 4 GiB (default). */
  readonly maxMemory?: number;
  /**
   * Everything in a worker thread, default false: this thread stays free during long steps, and a step costs some tens of
   * microseconds more. Values are then read asynchronously.
   */
  readonly worker?: boolean;
  /** ONNX Runtime, where it is not to be loaded from `onnxruntime-node`. */
  readonly engine?: OnnxEngine;
}

/** Options with everything in its place; `threshold` undefined: to be measured. */
export interface Settings {
  readonly threads: number;
  readonly spinning: boolean;
  readonly threshold: number | undefined;
  readonly graph: 'contractions' | 'whole';
  readonly executionProviders: readonly InferenceSession.ExecutionProviderConfig[];
  readonly maxMemory: number;
  readonly worker: boolean;
  readonly engine: OnnxEngine | undefined;
}

/** @throws OptionRangeError, OptionTypeError */
export function settingsOf(options: OnnxOptions): Settings {
  const { threshold, engine, ...rest } = resolve('onnx', options, {
    threads: integer(availableParallelism()),
    spinning: flag(false),
    threshold: optional(fixed(0, { rule: 'a number >= 0', holds: (n) => n >= 0 })),
    graph: choice('contractions', ['contractions', 'whole']),
    executionProviders: providers,
    maxMemory: memoryOption,
    worker: flag(false),
    engine: optional(engineOption),
  });
  if (rest.worker && engine !== null) throw new OptionTypeError('onnx: worker must be false where an engine is given, received true');
  return { ...rest, threshold: threshold ?? undefined, engine: engine ?? undefined };
}

const providers: Option<readonly InferenceSession.ExecutionProviderConfig[]> = (value = ['cpu'], rule, option) => {
  if (!isProviders(value)) throw new OptionTypeError(message(rule, option, "a list of at least one provider, such as ['cpu']", value));
  return value;
};

const isProviders = (value: unknown): value is readonly InferenceSession.ExecutionProviderConfig[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  Array.from(value).every((one: unknown) => typeof one === 'string' || (isPlain(one) && typeof one['name'] === 'string'));

const engineOption: Option<OnnxEngine> = (value, rule, option) => {
  if (!isEngine(value)) throw new OptionTypeError(message(rule, option, "ONNX Runtime: await import('onnxruntime-node')", value));
  return value;
};

const isEngine = (value: unknown): value is OnnxEngine =>
  typeof value === 'object' && value !== null && 'InferenceSession' in value && 'Tensor' in value;
