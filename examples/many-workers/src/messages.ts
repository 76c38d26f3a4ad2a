import type { Reason } from '@opt/local-sgd';
import type { Judged } from '../../../benchmarks/tasks/judge.ts';
import type { TaskName, Tested } from '../../../benchmarks/tasks/task.ts';
import type { CodecName, OuterName } from './options.ts';

/** What a process is to do. */
export interface Order {
  readonly task: TaskName;
  readonly optimizer: string;
  readonly rate: number | undefined;
  readonly decay: boolean;
  readonly seed: number;
  /** Whose batches, from 0. */
  readonly index: number;
  readonly steps: number;
  /** Steps between outer ones; of one worker alone: between tests. */
  readonly every: number;
  /** Steps of this one between outer ones, default `every`: a slow machine takes fewer, and they count for as much as they are. */
  readonly ownEvery?: number;
  /** Alone: batches a step, those that as many workers would have; default 1. */
  readonly batches?: number;
  /** How many times as long a gradient takes it, default 1: a slow machine. */
  readonly slowdown?: number;
  /** Absent: trains alone. */
  readonly together?: {
    readonly worker: string;
    readonly workers: number;
    readonly mailbox: string;
    readonly run: string;
    readonly secret: string;
    readonly outer: OuterName;
    readonly outerRate: number | undefined;
    readonly outerMomentum: number | undefined;
    readonly codec: CodecName;
    readonly deadline: number;
    /** Where its checkpoint is. */
    readonly checkpoint: string;
    /** How often its process has ended. */
    readonly attempt: number;
  };
}

/** After every `every` steps. */
export interface Progress {
  readonly losses: readonly number[];
  /** Milliseconds a step, gradients aside. */
  readonly stepMilliseconds: number;
  readonly gradientMilliseconds: number;
  readonly tested: Tested | undefined;
  readonly turn?: {
    readonly turn: number;
    readonly members: readonly string[];
    readonly counted: boolean;
    /** SHA-256 of the common parameters, and after how many turns; more than this one's where it came late. */
    readonly digest: string;
    readonly turns: number;
    readonly sent: number;
    readonly refused: Readonly<Partial<Record<Reason, number>>>;
  };
}

export type Message = { readonly progress: Progress } | { readonly done: Judged } | { readonly error: string };
