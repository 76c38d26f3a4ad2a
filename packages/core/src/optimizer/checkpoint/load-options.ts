import { CheckpointError } from '../../errors.ts';
import { choice, resolve } from '../../options/options.ts';

/** What `load` may do where the file and what is here differ. Nothing is done unless it is asked for, and all of it is reported. */
export interface LoadOptions {
  /**
   * `'all'` (default): the file's state must be the transform's, slot by slot. `'matching'`: what both have is taken, what the file lacks
   * starts anew, what is left over is dropped. `'none'`: parameters only; the rest is as in a new optimizer made with them.
   */
  readonly state?: 'all' | 'matching' | 'none';
  /** Parameters here that the file lacks. `'refuse'` (default), or `'fresh'`: they stay as they are, their state starts anew. */
  readonly newcomers?: 'refuse' | 'fresh';
  /** Parameters of the file that are not here any more. `'refuse'` (default), or `'drop'`. */
  readonly leavers?: 'refuse' | 'drop';
  /**
   * Hyperparameters that are numbers, here and in the file. `'saved'` (default, unless state is `'none'`): the file's; `'keep'`: those
   * here. A schedule here is never replaced.
   */
  readonly hyperparameters?: 'saved' | 'keep';
  /** State that is held in other types here than in the file (`stateDtype`). `'refuse'` (default), or `'convert'`, rounding to the nearest. */
  readonly stateDtype?: 'refuse' | 'convert';
}

/** What did not fit when a checkpoint was loaded, and what was done about it. Every list is empty where everything fitted. */
export interface LoadReport {
  /** Keys of parameters and slots here that the file lacks. */
  readonly missing: readonly string[];
  /** Keys of tensors in the file that nothing here uses. */
  readonly surplus: readonly string[];
  /** Keys of slots here that start from their initial value. */
  readonly fresh: readonly string[];
  /** Keys of slots that the file held in another type, or packed otherwise. */
  readonly converted: readonly string[];
  /** Hyperparameters of which the file says something else than was here. */
  readonly hyperparameters: readonly LoadedHyperparameter[];
}

export interface LoadedHyperparameter {
  /** Its address, as for `set`. */
  readonly name: string;
  /** What the file holds; undefined where it has no such hyperparameter. */
  readonly saved: number | 'schedule' | undefined;
  /** What was here before; undefined where there is no such hyperparameter. */
  readonly here: number | 'schedule' | undefined;
  /** Which of the two holds from now on. */
  readonly taken: 'saved' | 'here';
}

export type ResolvedLoad = Required<LoadOptions>;

export function resolveLoad(options: LoadOptions): ResolvedLoad {
  const read = resolve('load', options, {
    state: choice('all', ['all', 'matching', 'none']),
    newcomers: choice('refuse', ['refuse', 'fresh']),
    leavers: choice('refuse', ['refuse', 'drop']),
    hyperparameters: choice('saved', ['saved', 'keep']),
    stateDtype: choice('refuse', ['refuse', 'convert']),
  });
  return read.state === 'none' && options.hyperparameters === undefined ? { ...read, hyperparameters: 'keep' } : read;
}

/** The bytes of what `load` was given. */
export function bytesOf(file: unknown): Uint8Array {
  const kind = Object.prototype.toString.call(file).slice(8, -1);
  // By name, not by instanceof: test runners and frames have constructors of their own.
  // A Buffer's `slice` copies nothing, so it is taken for what it is a kind of.
  if (isUint8Array(file, kind)) return new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  if (isArrayBuffer(file, kind)) return new Uint8Array(file);
  throw new CheckpointError(`load: the file must be a Uint8Array or an ArrayBuffer, received ${received(file, kind)}`);
}

const isUint8Array = (_: unknown, kind: string): _ is Uint8Array => kind === 'Uint8Array';
const isArrayBuffer = (_: unknown, kind: string): _ is ArrayBuffer => kind === 'ArrayBuffer';

function received(file: unknown, kind: string): string {
  if (typeof file === 'string') return `a string: hand over the bytes, load(await readFile(path)), or use loadFile of @opt/checkpoint-file`;
  if (typeof file !== 'object' || file === null) return typeof file === 'function' ? 'a function' : String(file);
  if ('then' in file) return 'a promise: write load(await file)';
  if ('arrayBuffer' in file) return `a ${kind}: write load(await file.arrayBuffer())`;
  if (ArrayBuffer.isView(file)) return `a ${kind}: write load(new Uint8Array(file.buffer, file.byteOffset, file.byteLength))`;
  return Array.isArray(file) ? 'an array: write load(Uint8Array.from(file))' : `a ${kind}`;
}
