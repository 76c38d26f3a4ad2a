import type { DType, Program, Role, Shape } from '@opt/core';
import type { OnnxOptions } from '../options.ts';

/** Options that can be sent to a worker. */
export type WorkerOptions = Omit<OnnxOptions, 'engine' | 'worker'> & { readonly worker?: false };

/** What the worker is asked. Buffers and executables are named by numbers that the asker gives out. */
export type Request =
  | {
      readonly do: 'create';
      readonly buffer: number;
      readonly role: Role;
      readonly key: string;
      readonly shape: Shape;
      readonly dtype: DType;
    }
  | { readonly do: 'write'; readonly buffer: number; readonly data: Float32Array | Float64Array }
  | { readonly do: 'release'; readonly buffer: number }
  | { readonly do: 'read'; readonly buffer: number }
  | { readonly do: 'compile'; readonly executable: number; readonly program: Program; readonly bound: Readonly<Record<string, number>> }
  | { readonly do: 'run'; readonly executable: number; readonly scalars: Float64Array }
  | { readonly do: 'dispose'; readonly executable: number };

/** `answer` numbers the question that somebody waits for. */
export type Question = Request & { readonly answer?: number };

export type Answer =
  | { readonly answer: number; readonly data?: Float32Array | Float64Array }
  /** Without a number: of the worker's start. */
  | { readonly answer?: number; readonly error: string }
  | { readonly ready: true };
