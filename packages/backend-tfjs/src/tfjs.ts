import {
  advice,
  type Backend,
  BackendError,
  type DType,
  type Executable,
  type Floats,
  type Mode,
  message,
  noOptions,
  OptionTypeError,
  type Program,
  type Role,
  type Shape,
} from '@opt/core';
import { getBackend, Tensor, Variable } from '@tensorflow/tfjs-core';
import { HostBuffer, store, TensorBuffer, type TfjsBuffer, VariableBuffer } from './buffers.ts';
import { firstFactorization } from './factorizations.ts';
import { Interpreter } from './interpreter.ts';
import { floats, type HostArray, isTensor, type Reading, type Value } from './values.ts';

/** A variable that an optimizer moves where it is. */
export class SharedVariable {
  readonly variable: Variable;
  /** Whether the optimizer goes on when somebody disposes of the variable: it then reads as zeros. */
  readonly outlived: boolean;

  constructor(variable: Variable, outlived = false) {
    this.variable = variable;
    this.outlived = outlived;
  }
}

/** `parameters: { kernel: shared(variable) }`: the optimizer moves the variable itself. */
export function shared(variable: Variable): SharedVariable {
  if (!(variable instanceof Variable))
    throw new OptionTypeError(`${message('shared', 'the variable', 'a tf.Variable', variable)}${advice(variable)}`);
  return new SharedVariable(variable);
}

/** What can be a parameter or a gradient besides arrays. */
export type TfjsNative = Tensor | SharedVariable;

/**
 * Runs programs with functional operations of tfjs on whatever backend tfjs has at the time (cpu, wasm, webgl): everything is
 * done when a call returns, and reading blocks. What tfjs lacks (eigenproblems, orthonormalisation, Cholesky, triangular solves)
 * runs in `@opt/linalg` on the host, and `wide` is f64 there.
 *
 * @throws BackendError on webgpu, which cannot be read synchronously: use `tfjsAsync` or `tfjsDevice`.
 */
export function tfjs(...none: readonly never[]): TfjsBackend<'sync', 'sync'> {
  noOptions('tfjs', none);
  if (getBackend() === 'webgpu')
    throw new BackendError(
      'tfjs: the webgpu backend cannot be read synchronously; use tfjsAsync(), or tfjsDevice() for steps without a factorisation',
    );
  return new SyncTfjs();
}

/** The same with every read awaited, for webgl and webgpu: `await optimizer.step(…)` may hold factorisations and never blocks. */
export function tfjsAsync(...none: readonly never[]): TfjsBackend<'async', 'async'> {
  noOptions('tfjsAsync', none);
  return new AsyncTfjs();
}

/**
 * Steps are only submitted and never read anything back, for webgl and webgpu: a gradient that is not finite is skipped by a
 * select on the device. Everything is f32. Compiling a step with a factorisation throws a BackendError that names it.
 */
export function tfjsDevice(...none: readonly never[]): TfjsBackend<'sync', 'async'> {
  noOptions('tfjsDevice', none);
  return new DeviceTfjs();
}

export interface TfjsBackend<Run extends Mode, Read extends Mode> extends Backend<Run, Read, TfjsNative, TfjsBuffer, 'f32'> {
  readonly precision: 'f32';
  /** Tensors and arrays held for optimizers at present. */
  readonly buffers: number;
}

/** Whether a backend is one of this package. */
export const isTfjsBackend = <Run extends Mode, Read extends Mode>(
  backend: object | TfjsBackend<Run, Read>,
): backend is TfjsBackend<Run, Read> => backend instanceof Common;

/** What the three ways of running have in common. */
abstract class Common {
  readonly specificationVersion = 1;
  readonly precision = 'f32';
  readonly name: string = `tfjs-${getBackend()}`;
  buffers = 0;
  protected abstract readonly hostIsWide: boolean;

  get emulatesWide(): boolean {
    return this.hostIsWide;
  }

  create(_role: Role, _key: string, shape: Shape, dtype: DType): TfjsBuffer {
    this.buffers++;
    return dtype === 'wide' && this.hostIsWide ? new HostBuffer(shape) : new TensorBuffer(shape);
  }

  adopt(native: TfjsNative): { readonly buffer: TfjsBuffer; readonly shape: Shape } {
    this.buffers++;
    const tensor = native instanceof SharedVariable ? native.variable : native;
    const outlived = native instanceof SharedVariable && native.outlived;
    if (tensor instanceof Variable) return { buffer: new VariableBuffer(tensor, outlived), shape: tensor.shape };
    const buffer = new TensorBuffer(tensor.shape);
    buffer.write(tensor);
    return { buffer, shape: tensor.shape };
  }

  shapeOf(value: unknown): Shape | undefined {
    const tensor = value instanceof SharedVariable ? value.variable : value;
    return tensor instanceof Tensor && !tensor.isDisposed && tensor.dtype !== 'string' && tensor.dtype !== 'complex64'
      ? tensor.shape
      : undefined;
  }

  overlap(a: TfjsBuffer, b: TfjsBuffer): boolean {
    return a instanceof VariableBuffer && b instanceof VariableBuffer && a.value === b.value;
  }

  write(buffer: TfjsBuffer, data: ArrayLike<number> | TfjsNative): void {
    buffer.write(data instanceof SharedVariable ? data.variable : data);
  }

  copy(from: TfjsBuffer, to: TfjsBuffer): void {
    const { value } = from;
    if (!(value instanceof Tensor)) throw new BackendError('tfjs: what lies in host memory is no gradient');
    to.write(value);
  }

  release(buffer: TfjsBuffer): void {
    this.buffers--;
    buffer.release();
  }

  dispose(): void {}

  /** A program made ready: one run of it, which reads what it has to see. */
  protected prepare(program: Program, bind: (key: string) => TfjsBuffer): (scalars: Float64Array) => Reading<void> {
    const interpreter = new Interpreter(program, this.hostIsWide);
    const inputs = new Map(program.inputs.map(({ key }) => [key, bind(key)]));
    const outputs = program.outputs.map(({ key }) => bind(key));
    const input = (key: string): Value => {
      const buffer = inputs.get(key);
      if (buffer === undefined) throw new BackendError(`tfjs: program '${program.name}' has no input '${key}'`);
      return buffer.value;
    };
    return function* run(scalars) {
      store(outputs, yield* interpreter.run({ input, scalars, parameters: [] }));
    };
  }
}

class SyncTfjs extends Common implements TfjsBackend<'sync', 'sync'> {
  readonly run = 'sync';
  readonly read = 'sync';
  readonly wide = 'f64';
  protected readonly hostIsWide = true;

  readBuffer({ value }: TfjsBuffer): Floats {
    return isTensor(value) ? read(value) : hostNumbers(value);
  }

  compile(program: Program, bind: (key: string) => TfjsBuffer): Executable<'sync'> {
    const start = this.prepare(program, bind);
    return {
      run(scalars) {
        const work = start(scalars);
        for (let next = work.next(); next.done !== true; ) next = work.next(read(next.value));
      },
      dispose() {},
    };
  }
}

class AsyncTfjs extends Common implements TfjsBackend<'async', 'async'> {
  readonly run = 'async';
  readonly read = 'async';
  readonly wide = 'f64';
  protected readonly hostIsWide = true;

  readBuffer(buffer: TfjsBuffer): Promise<Floats> {
    return readLater(buffer.value);
  }

  async compile(program: Program, bind: (key: string) => TfjsBuffer): Promise<Executable<'async'>> {
    const start = this.prepare(program, bind);
    return {
      async run(scalars) {
        // The host computes the scalars of the next step in the same array.
        const work = start(scalars.slice());
        for (let next = work.next(); next.done !== true; ) next = work.next(await readLater(next.value));
      },
      dispose() {},
    };
  }
}

class DeviceTfjs extends Common implements TfjsBackend<'sync', 'async'> {
  readonly run = 'sync';
  readonly read = 'async';
  readonly wide = 'f32';
  protected readonly hostIsWide = false;

  readBuffer(buffer: TfjsBuffer): Promise<Floats> {
    return readLater(buffer.value);
  }

  compile(program: Program, bind: (key: string) => TfjsBuffer): Executable<'sync'> {
    const node = firstFactorization(program);
    if (node !== undefined) {
      const { stage, owner } = node.origin;
      throw new BackendError(
        `tfjsDevice: '${node.operation.op}' (stage '${stage}', parameter '${owner}') would wait for the device in a synchronous step; use tfjsAsync() and await optimizer.step, or a host backend`,
      );
    }
    const start = this.prepare(program, bind);
    return {
      run(scalars) {
        const next = start(scalars).next();
        if (next.done !== true) throw new BackendError(`tfjsDevice: program '${program.name}' would wait for the device`);
      },
      dispose() {},
    };
  }
}

const read = (tensor: Tensor): Floats => floats(tensor.dataSync());

const readLater = async (value: Value): Promise<Floats> => (isTensor(value) ? floats(await value.data()) : hostNumbers(value));

const hostNumbers = (value: number | HostArray): Floats => (typeof value === 'number' ? Float64Array.of(value) : value.data);
