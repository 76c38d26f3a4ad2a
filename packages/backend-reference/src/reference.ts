import {
  type Backend,
  choice,
  type DType,
  type Executable,
  type Floats,
  type Narrow,
  narrowTypes,
  type Precision,
  type Program,
  type Role,
  resolve,
  type Shape,
  size,
} from '@opt/core';
import { allocate, Interpreter } from './interpreter.ts';

export interface ReferenceOptions<P extends Precision = Precision> {
  /** What `working` means; default f64. `wide` is always f64. */
  readonly precision?: P;
}

/** A tensor on this backend. */
export interface ReferenceBuffer {
  readonly data: Floats;
}

/**
 * Runs programs operation by operation in plain TypeScript: slow, short, and the truth that every other backend is held
 * against. In f32 every operation is computed in f64 and rounded once.
 *
 * @throws OptionTypeError
 */
export function reference(options?: ReferenceOptions<'f64'>): ReferenceBackend<'f64'>;
export function reference<P extends Precision>(options: ReferenceOptions<P>): ReferenceBackend<P>;
export function reference(options: ReferenceOptions = {}): ReferenceBackend {
  const { precision } = resolve('reference', options, { precision: choice('f64', ['f32', 'f64']) });
  return new ReferenceBackend(precision);
}

export class ReferenceBackend<P extends Precision = Precision> implements Backend<'sync', 'sync', never, ReferenceBuffer, P> {
  readonly specificationVersion = 1;
  readonly run = 'sync';
  readonly read = 'sync';
  readonly wide = 'f64';
  readonly narrow: readonly Narrow[] = narrowTypes;
  readonly name: string;
  readonly precision: P;
  /** Buffers alive, and programs compiled since the start: what a test of growth watches. */
  buffers = 0;
  compiled = 0;

  constructor(precision: P) {
    this.precision = precision;
    this.name = `reference-${precision}`;
  }

  create(_role: Role, _key: string, shape: Shape, dtype: DType): ReferenceBuffer {
    this.buffers++;
    return { data: allocate(this.precision, dtype, size(shape)) };
  }

  write(buffer: ReferenceBuffer, data: ArrayLike<number>): void {
    if (data !== buffer.data) buffer.data.set(data);
  }

  readBuffer(buffer: ReferenceBuffer): Floats {
    return buffer.data;
  }

  release(): void {
    this.buffers--;
  }

  compile(program: Program, bind: (key: string) => ReferenceBuffer): Executable<'sync'> {
    this.compiled++;
    const scalars = new Float64Array(program.host.scalars.length);
    const interpreter = new Interpreter(program, { precision: this.precision, scalars, input: (key) => bind(key).data, parameters: [] });
    const targets = program.outputs.map(({ key }) => bind(key).data);
    const held = new Set(program.inputs.map(({ key }) => bind(key).data));
    return {
      run(values) {
        scalars.set(values);
        interpreter.run();
        // A result that is an input's own memory is copied out first: another output may be about to overwrite it.
        const results = interpreter.results.map((result) => (held.has(result) ? result.slice() : result));
        targets.forEach((target, i) => {
          const result = results[i];
          if (result !== undefined) target.set(result);
        });
      },
      dispose() {},
    };
  }

  dispose(): void {}
}
