import { numpy as np } from '@jax-js/jax';
import {
  type Backend,
  BackendError,
  choice,
  type DType,
  type Executable,
  type Floats,
  type Option,
  type Program,
  type Role,
  resolve,
  type Shape,
} from '@opt/core';
import { BlockRunner } from './block.ts';
import { Constants } from './constants.ts';
import { Held } from './held.ts';
import { download, type JaxArray, type JaxDevice, settle, typeOf } from './jax.ts';
import { isArray, JaxVariable } from './variable.ts';

export interface JaxJsOptions {
  /** Where arrays live, `wasm` (default) or `cpu`, jax-js's interpreter. Other devices cannot be read synchronously or have no f64. */
  readonly device?: JaxDevice;
}

/** What this backend takes beside numbers: a `variable`, adopted as a parameter, or an array, which is consumed. */
export type JaxNative = JaxArray | JaxVariable;

/** Runs programs under jax-js's `jit`, on arrays of jax-js. */
export const jaxJs = (options: JaxJsOptions = {}): JaxJsBackend =>
  new JaxJsBackend(resolve('jaxJs', options, { device: deviceOption }).device);

/** How `resolve` reads `device`. */
export const deviceOption: Option<JaxDevice> = choice('wasm', ['wasm', 'cpu']);

export class JaxJsBackend implements Backend<'sync', 'sync', JaxNative, JaxVariable, 'f32'> {
  readonly specificationVersion = 1;
  readonly name: string;
  readonly run = 'sync';
  readonly read = 'sync';
  readonly precision = 'f32';
  readonly wide = 'f64';
  readonly device: JaxDevice;
  /** Buffers alive, and compilations by jax-js since the start: what a test of growth watches. */
  buffers = 0;
  compilations = 0;
  /** Parameters that belong to the caller, and how many optimizers move them. */
  private readonly adopted = new Map<JaxVariable, number>();

  constructor(device: JaxDevice) {
    this.device = device;
    this.name = `jax-js-${device}`;
  }

  create(_role: Role, _key: string, shape: Shape, dtype: DType): JaxVariable {
    this.buffers++;
    return new JaxVariable(np.zeros([...shape], { dtype: typeOf(dtype), device: this.device }), dtype);
  }

  /** A variable is moved in place and stays the caller's; an array is consumed. */
  adopt(native: JaxNative): { readonly buffer: JaxVariable; readonly shape: Shape } {
    const array = isArray(native) ? native : native.value;
    if (array.device !== this.device)
      throw new BackendError(`jaxJs: a parameter on device '${this.device}' is needed, received one on '${array.device}'`);
    this.buffers++;
    if (isArray(native)) return { buffer: new JaxVariable(native), shape: [...native.shape] };
    this.adopted.set(native, (this.adopted.get(native) ?? 0) + 1);
    return { buffer: native, shape: native.shape };
  }

  shapeOf(value: unknown): Shape | undefined {
    if (value instanceof JaxVariable) return value.shape;
    return isArray(value) && value.refCount > 0 ? [...value.shape] : undefined;
  }

  overlap(a: JaxVariable, b: JaxVariable): boolean {
    return a === b;
  }

  write(buffer: JaxVariable, data: ArrayLike<number> | JaxNative): void {
    if (isArray(data)) buffer.set(data);
    else if (data instanceof JaxVariable) buffer.set(data.value.ref);
    else buffer.write(data);
  }

  /** A copy. */
  readBuffer(buffer: JaxVariable): Floats {
    return download(buffer.value);
  }

  release(buffer: JaxVariable): void {
    this.buffers--;
    const movers = this.adopted.get(buffer);
    if (movers === undefined) buffer.dispose();
    else if (movers === 1) this.adopted.delete(buffer);
    else this.adopted.set(buffer, movers - 1);
  }

  compile(program: Program, bind: (key: string) => JaxVariable): Executable<'sync'> {
    const { device } = this;
    const constants = new Constants(program, program.host.scalars.length, device);
    const traced = (): void => {
      this.compilations++;
    };
    const runner = new BlockRunner(program, { device, constants, traced });
    const inputs = new Map(program.inputs.map(({ key }) => [key, bind(key)]));
    const targets = program.outputs.map(({ key }) => bind(key));
    return {
      run(scalars) {
        constants.begin(scalars);
        const held = new Map([...inputs].map(([key, variable]) => [key, Held.ofArray(variable.value.ref, device)]));
        try {
          const results = runner.run({ parameters: [], input: (key) => required(held.get(key), key, program) });
          // Every result is there before the first takes the place of an input.
          const arrays = results.map((result) => result.array());
          settle(arrays);
          targets.forEach((target, i) => {
            const array = arrays[i];
            if (array !== undefined) target.set(array);
          });
          for (const result of results) result.release();
        } finally {
          for (const one of held.values()) one.release();
          constants.end();
        }
      },
      dispose() {
        runner.dispose();
        constants.dispose();
      },
    };
  }

  dispose(): void {}
}

function required(held: Held | undefined, key: string, program: Program): Held {
  if (held === undefined) throw new BackendError(`jax-js: program '${program.name}' has no input '${key}'`);
  return held;
}
