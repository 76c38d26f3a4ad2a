import type { DType, Narrow, Program } from './program/program.ts';
import type { Shape } from './program/shape.ts';

/** `sync`: done when the call returns. `async`: a promise may come back. */
export type Mode = 'sync' | 'async';
export type Result<M extends Mode, T> = M extends 'sync' ? T : Promise<T>;
export type MaybePromise<T> = T | Promise<T>;

export type Floats = Float32Array | Float64Array;
/** What working precision is on a backend, and the arrays that hold it. */
export type Precision = 'f32' | 'f64';
export type FloatsOf<P extends Precision> = P extends 'f32' ? Float32Array : Float64Array;

/** What a buffer is for. `output` takes what a program hands to the host. */
export type Role = 'parameter' | 'gradient' | 'slot' | 'output';

/**
 * Whatever can run a Program. `Run` and `Read` say whether running and reading back are synchronous, `Native` what else than
 * arrays can be adopted as a parameter or written (a tf.Variable, a GPUBuffer), `Buffer` how the backend holds a tensor, `Working` its
 * working precision.
 */
export interface Backend<
  Run extends Mode = Mode,
  Read extends Mode = Mode,
  Native = never,
  Buffer = unknown,
  Working extends Precision = Precision,
> {
  readonly specificationVersion: 1;
  readonly name: string;
  readonly run: Run;
  readonly read: Read;
  /** What `working` and `wide` are here. */
  readonly precision: Working;
  readonly wide: Precision;
  /** Whether arithmetic in `wide` leaves the device, so that it is to be used sparingly. Default: no. */
  readonly emulatesWide?: boolean;
  /** The types of codes that a buffer can hold here; none where left out. Such a buffer is written and read as its codes, in an array of numbers. */
  readonly narrow?: readonly Narrow[];

  create(role: Role, key: string, shape: Shape, dtype: DType): Buffer;
  /** Takes a tensor that lives elsewhere as it is, without a copy. */
  adopt?(native: Native, key: string): { readonly buffer: Buffer; readonly shape: Shape };
  /** The shape of something native that can be adopted or written; undefined for everything else, whatever it may be. */
  shapeOf?(value: unknown): Shape | undefined;
  /** Whether writing to one of two adopted buffers would change the other. */
  overlap?(a: Buffer, b: Buffer): boolean;
  write(buffer: Buffer, data: ArrayLike<number> | Native): void;
  /** One buffer's value into another of its shape: for native gradients of a step that has to wait. Without this, such a step is refused. */
  copy?(from: Buffer, to: Buffer): void;
  /** The current value; where reading is synchronous and memory is the host's, a live view. */
  readBuffer(buffer: Buffer): Result<Read, Floats>;
  release(buffer: Buffer): void;
  /** An executable bound to buffers: `bind` gives those of every input and output key. */
  compile(program: Program, bind: (key: string) => Buffer): Result<Run, Executable<Run>>;
  /** What is missing here for a program, in words; undefined where nothing is. Default: nothing ever. */
  lacks?(program: Program): string | undefined;
  /** Where there are computations that steps do not wait for. */
  readonly deferral?: Deferral<Buffer>;
  dispose(): void;
}

/** Computations done beside the steps: a step writes what they read, and a later one reads what they wrote. */
export interface Deferral<Buffer = unknown> {
  /** Whether steps go on without this computation until it is done. */
  defers(program: Program): boolean;
  /** Programs without host scalars. A run may last many steps; inputs and outputs are its own until it ends. */
  compile(program: Program, bind: (key: string) => Buffer): MaybePromise<Executable<'async'>>;
}

export interface Executable<Run extends Mode = Mode> {
  /** One run; `scalars[i]` is host scalar i. */
  run(scalars: Float64Array): Result<Run, void>;
  dispose(): void;
}

/** Whether a value that comes back must be awaited. */
export const isPromise = <T>(value: MaybePromise<T>): value is Promise<T> => value instanceof Promise;

/**
 * One code path for both modes: `f` is called at once where nothing has to be awaited. (Not called `then`: a module that exports
 * that name is taken for a promise by `import()`.)
 */
export function whenDone<T, U>(value: MaybePromise<T>, f: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return isPromise(value) ? value.then(f) : f(value);
}

/** All values, awaited only where one of them has to be. */
export function allOf<T>(values: readonly MaybePromise<T>[]): MaybePromise<T[]> {
  const ready: T[] = [];
  for (const value of values) {
    if (isPromise(value)) return Promise.all(values);
    ready.push(value);
  }
  return ready;
}
