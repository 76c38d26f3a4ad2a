/// <reference lib="dom" preserve="true" />
import {
  type Backend,
  BackendError,
  byteValues,
  codeBytes,
  type DType,
  type Executable,
  type Floats,
  fixed,
  flag,
  integer,
  isNarrow,
  type Narrow,
  narrowTypes,
  type Option,
  type Program,
  type Role,
  resolve,
  type Shape,
  size,
} from '@opt/core';
import { fmaSupported, instantiateKernels, type Kernels } from '@opt/linalg';
import { compileProgram, type Placement } from './compile.ts';
import { LinearMemory } from './memory.ts';
import type { Handing } from './plan/handed.ts';
import type { Place, Product } from './plan/products.ts';
import { bytesOf, real, type Type, typeOfNode } from './plan/values.ts';
import type { Beginning, Crew } from './threads/begin.ts';
import type { Work } from './threads/control.ts';
import type { Split, Team } from './threads/team.ts';

export interface WasmOptions {
  /** Most bytes of linear memory, at least 1 MiB, at most 4 GiB (default). */
  readonly maxMemory?: number;
  /**
   * Whether products and factorisations use fused multiply-add where the engine has it, default true. False: the same bits from
   * WebAssembly in every engine; large products take 1.15 times as long.
   */
  readonly fma?: boolean;
}

export interface ThreadedOptions extends WasmOptions {
  /**
   * How many threads compute, this one among them, an integer of at least 1. The bits are those of one thread. In a page that is not
   * cross-origin isolated there is one, and a line in the log says so.
   */
  readonly threads: number;
}

/** A tensor in linear memory. */
export interface WasmBuffer {
  readonly address: number;
  readonly length: number;
  readonly type: Type;
}

/** The live view of a buffer, made anew when the memory has grown. */
interface Held extends WasmBuffer {
  view: View;
}

/** Memory as the engine sees it; codes are what they are. */
type View = Floats | Uint16Array | Uint8Array;

const [least, most] = [1_048_576, 65_536 * 65_536];

/** How `resolve` reads `maxMemory`. */
export const memoryOption: Option<number> = fixed(most, {
  rule: `in [${least}, ${most}]`,
  holds: (bytes) => bytes >= least && bytes <= most,
});

/** A program with gaps in it: group i of `products` is due between `run(i)` and `run(i + 1)`. */
export interface PartialExecutable {
  readonly products: readonly (readonly Product[])[];
  /** Sets the host scalars of the next run. */
  set(scalars: Float64Array): void;
  run(part: number): void;
  dispose(): void;
}

/**
 * Compiles every program to one WebAssembly SIMD module. Parameters, state and gradients live in one linear memory; what is read are
 * views of it, and a gradient written into its view is not copied.
 *
 * With `threads` it is a promise: the workers have begun when it is fulfilled.
 *
 * @throws OptionRangeError · OptionTypeError
 */
export function wasm(options: ThreadedOptions): Promise<WasmBackend>;
export function wasm(options?: WasmOptions & { readonly threads?: never }): WasmBackend;
export function wasm(options: WasmOptions & { readonly threads?: number } = {}): WasmBackend | Promise<WasmBackend> {
  const { maxMemory, fma, threads } = resolve('wasm', options, { maxMemory: memoryOption, fma: flag(true), threads: integer(1) });
  if (options.threads === undefined) return new WasmBackend(maxMemory, fma);
  return threaded(maxMemory, fma, threads);
}

/** A backend of several threads; of one where there can be no more. `beginning` is what tests set otherwise. */
export async function threaded(maxMemory: number, fma: boolean, threads: number, beginning?: Beginning): Promise<WasmBackend> {
  if (threads === 1) return new WasmBackend(maxMemory, fma);
  const { begin } = await import('./threads/begin.ts');
  return new WasmBackend(maxMemory, fma, await begin(maxMemory, fma && fmaSupported(), threads, beginning));
}

export class WasmBackend implements Backend<'sync', 'sync', never, WasmBuffer, 'f32'> {
  readonly specificationVersion = 1;
  readonly name = 'wasm';
  readonly run = 'sync';
  readonly read = 'sync';
  readonly precision = 'f32';
  readonly wide = 'f64';
  readonly narrow: readonly Narrow[] = narrowTypes;
  /** Whether products use fused multiply-add here. */
  readonly fma: boolean;
  /** Programs compiled since the start, and buffers alive: what a test of growth watches. */
  compiled = 0;
  buffers = 0;
  readonly #linear: LinearMemory;
  readonly #kernels: Kernels;
  readonly #arena: WebAssembly.Global;
  readonly #own = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  readonly #team: Team | undefined;
  readonly #tables = new Map<'int8' | 'uint8', number>();
  #arenaAddress = 0;
  #arenaBytes = 0;
  /** Scratch of each thread, one behind the other. */
  #ownAddress = 0;
  #ownBytes = 0;
  #layout: { readonly buffer: ArrayBufferLike; readonly arena: number } = { buffer: new ArrayBuffer(0), arena: 0 };

  /** `fma`: whether fused multiply-add may be used. `crew`: the memory of several threads, of which this is one. */
  constructor(maxMemory: number, fma = true, crew?: Crew) {
    this.fma = fma && fmaSupported();
    this.#linear = crew?.linear ?? new LinearMemory(maxMemory);
    this.#team = crew?.team;
    this.#kernels = this.#team?.kernels ?? instantiateKernels(this.#linear.memory, this.fma);
    this.#arena = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  }

  /** How many threads compute here. */
  get threads(): number {
    return this.#team?.threads ?? 1;
  }

  /** Runs so far that were worth more than one thread. */
  get sharedRuns(): number {
    return this.#team?.runs ?? 0;
  }

  /** The bytes of linear memory at present. */
  get memoryBytes(): number {
    return this.#linear.memory.buffer.byteLength;
  }

  create(_role: Role, key: string, shape: Shape, dtype: DType): WasmBuffer {
    const held = this.#hold(size(shape), typeOfNode(dtype), `'${key}' [${shape}]`);
    this.buffers++;
    return held;
  }

  write(buffer: WasmBuffer, data: ArrayLike<number>): void {
    const view = this.#viewOf(buffer);
    if (data === view) return;
    if (
      ArrayBuffer.isView(data) &&
      data.buffer === view.buffer &&
      data.byteOffset === view.byteOffset &&
      data.byteLength === view.byteLength
    )
      return;
    view.set(data);
  }

  readBuffer(buffer: WasmBuffer): Floats {
    const view = this.#viewOf(buffer);
    return view instanceof Float32Array || view instanceof Float64Array ? view : Float32Array.from(view);
  }

  #viewOf(buffer: WasmBuffer): View {
    if (!isHeld(buffer)) throw new BackendError('wasm: a buffer of another backend was used');
    if (buffer.view.buffer !== this.#linear.memory.buffer) buffer.view = this.#view(buffer.address, buffer.length, buffer.type);
    return buffer.view;
  }

  release(buffer: WasmBuffer): void {
    this.#free(buffer);
    this.buffers--;
  }

  compile(program: Program, bind: (key: string) => WasmBuffer): Executable<'sync'> {
    const { set, run, dispose } = this.compileParts(program, bind);
    return {
      run(scalars) {
        set(scalars);
        run(0);
      },
      dispose,
    };
  }

  /** Compiles a program whose products somebody else computes in part, as `handing` says: on this memory, between its parts. */
  compileParts(program: Program, bind: (key: string) => WasmBuffer, handing?: Handing): PartialExecutable {
    const scalars = this.#hold(program.host.scalars.length, 'f64', `program '${program.name}'`);
    let split: Split | undefined;
    const dispose = (): void => {
      split?.dispose();
      this.#free(scalars);
    };
    try {
      const made = this.#instantiate(program, bind, scalars, handing);
      const { parts, products } = made;
      split = made.split;
      this.compiled++;
      return {
        products,
        set: (values) => {
          if (scalars.length > 0) this.readBuffer(scalars).set(values);
        },
        run: (part) => parts[part]?.(),
        dispose,
      };
    } catch (error) {
      dispose();
      throw error;
    }
  }

  /** Another object whenever tensors may lie elsewhere than before: views made until then are void. */
  get layout(): object {
    const { buffer } = this.#linear.memory;
    if (this.#layout.buffer !== buffer || this.#layout.arena !== this.#arenaAddress) this.#layout = { buffer, arena: this.#arenaAddress };
    return this.#layout;
  }

  /** A view of a tensor of a program, good for the present `layout`. */
  viewOf({ address, inArena, shape, type }: Place): Floats {
    const at = address + (inArena ? this.#arenaAddress : 0);
    const { buffer } = this.#linear.memory;
    return real(type) === 'f32' ? new Float32Array(buffer, at, size(shape)) : new Float64Array(buffer, at, size(shape));
  }

  /** Ends the workers, if there are any. */
  dispose(): void {
    this.#team?.dispose();
  }

  #instantiate(
    program: Program,
    bind: (key: string) => WasmBuffer,
    scalars: WasmBuffer,
    handing: Handing | undefined,
  ): { readonly parts: readonly (() => void)[]; readonly products: readonly (readonly Product[])[]; readonly split?: Split } {
    const placement = (key: string): Placement => {
      const { address, length, type } = bind(key);
      return { address, bytes: length * bytesOf[type], type };
    };
    const team = this.#team;
    const sharing = team?.sharing(program);
    const { bytes, arena, own, width, groups } = compileProgram(
      program,
      placement,
      scalars.address,
      this.#kernels,
      (byte) => this.#table(byte),
      handing,
      sharing,
    );
    this.#reserve(arena, program.name);
    this.#reserveOwn(own, program.name);
    const module = new WebAssembly.Module(bytes);
    const { exports } = new WebAssembly.Instance(module, {
      env: { ...this.#kernels, memory: this.#linear.memory, arena: this.#arena, own: this.#own },
    });
    if (team !== undefined && typeof exports['work'] === 'function') {
      // The compiler of programs wrote it.
      const split = team.admit(module, exports['work'] as Work, width);
      const run = (): void => split.run({ arena: this.#arenaAddress, own: this.#ownAddress, stride: this.#ownBytes });
      return { parts: [run], products: [], split };
    }
    const parts = Array.from({ length: groups.length + 1 }, (_, i) => {
      const run = exports[`run${i}`];
      if (typeof run !== 'function') throw new BackendError(`wasm: program '${program.name}' has no part ${i}`);
      return () => run();
    });
    return { parts, products: groups };
  }

  #hold(length: number, type: Type, what: string): Held {
    const address = this.#linear.allocate(length * bytesOf[type], what);
    const view = this.#view(address, length, type);
    view.fill(0);
    return { address, length, type, view };
  }

  #free({ address, length, type }: WasmBuffer): void {
    this.#linear.free(address, length * bytesOf[type]);
  }

  /** Scratch is shared by all programs: only one runs at a time. */
  #reserve(bytes: number, program: string): void {
    if (bytes <= this.#arenaBytes) return;
    // The old one goes last: should there be no room, the programs that use it still run.
    const address = this.#linear.allocate(bytes, `scratch of program '${program}'`);
    if (this.#arenaBytes > 0) this.#linear.free(this.#arenaAddress, this.#arenaBytes);
    [this.#arenaAddress, this.#arenaBytes] = [address, bytes];
    this.#arena.value = address;
  }

  /** Threads have scratch of their own, as much as the kernel needs that needs most. */
  #reserveOwn(bytes: number, program: string): void {
    if (bytes <= this.#ownBytes) return;
    const each = Math.ceil(bytes / 64) * 64;
    const address = this.#linear.allocate(this.threads * each, `scratch of the threads for program '${program}'`);
    if (this.#ownBytes > 0) this.#linear.free(this.#ownAddress, this.threads * this.#ownBytes);
    [this.#ownAddress, this.#ownBytes] = [address, each];
    this.#own.value = address;
  }

  /** What the codes of a byte stand for, in memory once they are needed. */
  #table(type: 'int8' | 'uint8'): number {
    const known = this.#tables.get(type);
    if (known !== undefined) return known;
    const values = byteValues(type);
    const address = this.#linear.allocate(4 * values.length, `the values of ${type}`);
    new Float32Array(this.#linear.memory.buffer, address, values.length).set(values);
    this.#tables.set(type, address);
    return address;
  }

  #view(address: number, length: number, type: Type): View {
    const { buffer } = this.#linear.memory;
    if (isNarrow(type)) return codeBytes[type] === 1 ? new Uint8Array(buffer, address, length) : new Uint16Array(buffer, address, length);
    return type === 'f32' ? new Float32Array(buffer, address, length) : new Float64Array(buffer, address, length);
  }
}

const isHeld = (buffer: WasmBuffer): buffer is Held => 'view' in buffer;
