import { availableParallelism } from 'node:os';
import { OptionRangeError, OptionTypeError } from '@opt/core';
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
}

const known: ReadonlySet<string> = new Set([
  'threads',
  'spinning',
  'threshold',
  'graph',
  'executionProviders',
  'maxMemory',
  'engine',
  'worker',
]);

/** @throws OptionRangeError, OptionTypeError */
export function settingsOf(options: OnnxOptions): Settings {
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw new OptionTypeError(`onnx: there is no option '${name}', known are ${[...known].join(', ')}`);
  }
  const { threads = availableParallelism(), spinning = false, threshold, graph = 'contractions', executionProviders = ['cpu'] } = options;
  const { worker = false, engine, maxMemory = mostMemory } = options;
  if (!Number.isInteger(threads) || threads < 1) throw range('threads', 'an integer >= 1', threads);
  if (typeof spinning !== 'boolean') throw type('spinning', 'true or false', spinning);
  if (threshold !== undefined && !(threshold >= 0)) throw range('threshold', 'a number >= 0', threshold);
  if (typeof worker !== 'boolean') throw type('worker', 'true or false', worker);
  if (worker && engine !== undefined) throw type('worker', 'false where an engine is given', worker);
  if (graph !== 'contractions' && graph !== 'whole') throw type('graph', `'contractions' or 'whole'`, graph);
  if (!Array.isArray(executionProviders) || executionProviders.length === 0)
    throw type('executionProviders', 'a list of at least one provider', executionProviders);
  if (!(maxMemory >= leastMemory && maxMemory <= mostMemory)) throw range('maxMemory', `in [${leastMemory}, ${mostMemory}]`, maxMemory);
  return { threads, spinning, threshold, graph, executionProviders, maxMemory };
}

const leastMemory = 2 ** 20;
const mostMemory = 2 ** 32;

const range = (option: string, rule: string, received: unknown): OptionRangeError =>
  new OptionRangeError(`onnx: ${option} must be ${rule}, received ${String(received)}`);
const type = (option: string, rule: string, received: unknown): OptionTypeError =>
  new OptionTypeError(`onnx: ${option} must be ${rule}, received ${String(received)}`);
