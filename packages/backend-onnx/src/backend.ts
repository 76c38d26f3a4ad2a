import { linearAlgebra, WasmBackend, type WasmBuffer } from '@opt/backend-wasm';
import {
  type Backend,
  type DType,
  type Executable,
  type Floats,
  type Narrow,
  narrowTypes,
  type Program,
  type Role,
  type Shape,
  warn,
} from '@opt/core';
import { loadEngine, type OnnxEngine } from './engine.ts';
import { type OnnxOptions, type Settings, settingsOf } from './options.ts';
import { Contractions } from './products/contractions.ts';
import type { PartialRun } from './products/partial-run.ts';
import { measuredThreshold } from './products/threshold.ts';
import { Sessions } from './sessions.ts';
import { NoOperatorError } from './whole/no-operator-error.ts';
import { WholeRun } from './whole/whole-run.ts';
import { WorkerBackend } from './worker/worker-backend.ts';

/**
 * Programs as WebAssembly kernels and ONNX Runtime sessions on one linear memory: matrix products above a threshold run in ONNX
 * Runtime, everything else as in `wasm()`. What is read are views of the memory. With `worker`, all of it in a thread of its own.
 *
 * @throws OptionRangeError, OptionTypeError · BackendError where onnxruntime-node cannot be loaded
 */
export async function onnx(options: OnnxOptions & { readonly worker: true }): Promise<WorkerBackend>;
export async function onnx(options?: OnnxOptions & { readonly worker?: false }): Promise<OnnxBackend>;
export async function onnx(options: OnnxOptions = {}): Promise<OnnxBackend | WorkerBackend> {
  const settings = settingsOf(options);
  if (settings.worker) return WorkerBackend.start({ ...options, worker: false });
  return new OnnxBackend(settings.engine ?? (await loadEngine()), settings);
}

const done: Promise<void> = Promise.resolve();

export class OnnxBackend implements Backend<'async', 'sync', never, WasmBuffer, 'f32'> {
  readonly specificationVersion = 1;
  readonly name = 'onnx';
  readonly run = 'async';
  readonly read = 'sync';
  readonly precision = 'f32';
  readonly wide = 'f64';
  readonly narrow: readonly Narrow[] = narrowTypes;
  readonly #wasm: WasmBackend;
  readonly #engine: OnnxEngine;
  readonly #settings: Settings;
  readonly #sessions: Sessions;
  readonly #contractions: Contractions;
  /** The end of the last run that is still under way: programs share their scratch, so they run one after the other. */
  #running: Promise<void> | undefined;
  /** Buffers given back while a program ran that may still write them. */
  readonly #leftOver: WasmBuffer[] = [];
  readonly #warned = new Set<string>();

  constructor(engine: OnnxEngine, settings: Settings) {
    this.#engine = engine;
    this.#settings = settings;
    this.#wasm = new WasmBackend(settings.maxMemory, linearAlgebra());
    this.#sessions = new Sessions(engine, settings);
    this.#contractions = new Contractions(this.#wasm, engine, this.#sessions);
  }

  /** Buffers and sessions alive: what a test of growth watches. */
  get buffers(): number {
    return this.#wasm.buffers - this.#leftOver.length;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** The bytes of linear memory at present. */
  get memoryBytes(): number {
    return this.#wasm.memoryBytes;
  }

  create(role: Role, key: string, shape: Shape, dtype: DType): WasmBuffer {
    return this.#wasm.create(role, key, shape, dtype);
  }

  write(buffer: WasmBuffer, data: ArrayLike<number>): void {
    this.#wasm.write(buffer, data);
  }

  readBuffer(buffer: WasmBuffer): Floats {
    return this.#wasm.readBuffer(buffer);
  }

  release(buffer: WasmBuffer): void {
    if (this.#running === undefined) this.#wasm.release(buffer);
    else this.#leftOver.push(buffer);
  }

  async compile(program: Program, bind: (key: string) => WasmBuffer): Promise<Executable<'async'>> {
    // Compiling may move the scratch, which must not happen under a run.
    const compiled = await this.#take(async () => (await this.#whole(program, bind)) ?? (await this.#parts(program, bind)));
    return {
      run: (scalars) => {
        compiled.set(scalars);
        // What needs no session is over at once.
        if (this.#running !== undefined) return this.#take(async () => compiled.run());
        const running = compiled.run();
        return running === undefined ? done : this.#take(() => running);
      },
      dispose: () => {
        if (this.#running === undefined) compiled.dispose();
        else void this.#running.then(() => compiled.dispose());
      },
    };
  }

  dispose(): void {}

  async #parts(program: Program, bind: (key: string) => WasmBuffer): Promise<PartialRun> {
    return this.#contractions.compile(program, bind, await this.#threshold(program));
  }

  /** The program as one graph, where that is wanted and can be had. */
  async #whole(program: Program, bind: (key: string) => WasmBuffer): Promise<WholeRun | undefined> {
    if (this.#settings.graph !== 'whole') return undefined;
    try {
      return await WholeRun.compile(this.#wasm, this.#engine, this.#sessions, program, bind);
    } catch (error) {
      const why = error instanceof NoOperatorError ? error.message : `onnx: no session for program '${program.name}' (${String(error)})`;
      if (!this.#warned.has(why)) warn(`${why}; such programs run in parts`);
      this.#warned.add(why);
      return undefined;
    }
  }

  /** Measured only where there is a product to decide about. */
  #threshold({ nodes }: Program): number | Promise<number> {
    if (this.#settings.threshold !== undefined) return this.#settings.threshold;
    return nodes.some(({ operation }) => operation.op === 'matmul') ? measuredThreshold(this.#engine, this.#settings) : 0;
  }

  /** Does something when nothing else is under way, and keeps everything else waiting meanwhile. */
  #take<T>(work: () => Promise<T>): Promise<T> {
    const working = this.#running === undefined ? work() : this.#running.then(work);
    const over = (): void => {
      if (this.#running !== ended) return;
      this.#running = undefined;
      for (const buffer of this.#leftOver.splice(0)) this.#wasm.release(buffer);
    };
    const ended: Promise<void> = working.then(over, over);
    this.#running = ended;
    return working;
  }
}
