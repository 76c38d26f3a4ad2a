import { Worker } from 'node:worker_threads';
import {
  type Backend,
  BackendError,
  type DType,
  type Executable,
  type Floats,
  type Narrow,
  narrowTypes,
  type Program,
  type Role,
  type Shape,
  size,
} from '@opt/core';
import type { Answer, Question, Request, WorkerOptions } from './protocol.ts';

/** A buffer in the worker's memory. */
export interface WorkerBuffer {
  readonly id: number;
  readonly length: number;
  readonly dtype: DType;
}

interface Waiting {
  resolve(data: Floats | undefined): void;
  reject(error: Error): void;
}

/** What the worker begins with. */
export interface Entry {
  readonly script: URL;
  readonly flags: readonly string[];
}

const built: Entry = { script: new URL('./serve.js', import.meta.url), flags: [] };

/** The backend of a worker thread: this thread does nothing but send and receive, however long a step takes. */
export class WorkerBackend implements Backend<'async', 'async', never, WorkerBuffer, 'f32'> {
  readonly specificationVersion = 1;
  readonly name = 'onnx';
  readonly run = 'async';
  readonly read = 'async';
  readonly precision = 'f32';
  readonly wide = 'f64';
  readonly narrow: readonly Narrow[] = narrowTypes;
  /** Buffers alive. */
  buffers = 0;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;
  /** Why nothing more can be asked. */
  #broken: Error | undefined;

  /** Starts the worker; its own failure to load ONNX Runtime is thrown here. */
  static start(options: WorkerOptions, { script, flags }: Entry = built): Promise<WorkerBackend> {
    const worker = new Worker(script, { workerData: options, execArgv: [...flags] });
    return new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', (first: Answer) => {
        if ('ready' in first) resolve(new WorkerBackend(worker));
        else reject(new BackendError('error' in first ? first.error : 'onnx: the worker did not start'));
      });
    });
  }

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.removeAllListeners('error');
    worker.on('message', (answer: Answer) => this.#hear(answer));
    worker.on('error', (cause) => this.#end(new BackendError(`onnx: the worker failed (${cause.message})`, { cause })));
    worker.on('exit', () => this.#end(new BackendError('onnx: the worker has ended')));
    // An idle worker keeps no process alive.
    worker.unref();
  }

  create(role: Role, key: string, shape: Shape, dtype: DType): WorkerBuffer {
    const buffer = { id: this.#count++, length: size(shape), dtype };
    this.#tell({ do: 'create', buffer: buffer.id, role, key, shape, dtype });
    this.buffers++;
    return buffer;
  }

  write({ id, dtype }: WorkerBuffer, data: ArrayLike<number>): void {
    const copy = dtype === 'working' ? Float32Array.from(data) : Float64Array.from(data);
    this.#worker.postMessage({ do: 'write', buffer: id, data: copy } satisfies Question, [copy.buffer]);
  }

  async readBuffer({ id }: WorkerBuffer): Promise<Floats> {
    return (await this.#ask({ do: 'read', buffer: id })) ?? new Float32Array(0);
  }

  release({ id }: WorkerBuffer): void {
    this.#tell({ do: 'release', buffer: id });
    this.buffers--;
  }

  async compile(program: Program, bind: (key: string) => WorkerBuffer): Promise<Executable<'async'>> {
    const executable = this.#count++;
    const keys = [...program.inputs, ...program.outputs].map(({ key }) => key);
    const bound = Object.fromEntries(keys.map((key) => [key, bind(key).id]));
    await this.#ask({ do: 'compile', executable, program, bound });
    return {
      run: async (scalars) => void (await this.#ask({ do: 'run', executable, scalars })),
      dispose: () => this.#tell({ do: 'dispose', executable }),
    };
  }

  /** Ends the worker. */
  dispose(): void {
    void this.#worker.terminate();
  }

  #tell(request: Request): void {
    this.#worker.postMessage(request satisfies Question);
  }

  #ask(request: Request): Promise<Floats | undefined> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const answer = this.#count++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(answer, { resolve, reject });
      if (this.#waiting.size === 1) this.#worker.ref();
      this.#worker.postMessage({ ...request, answer } satisfies Question);
    });
  }

  #hear(message: Answer): void {
    if ('ready' in message) return;
    const { answer } = message;
    const waiting = answer === undefined ? undefined : this.#waiting.get(answer);
    if (waiting === undefined || answer === undefined) return;
    this.#waiting.delete(answer);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('error' in message) waiting.reject(new BackendError(message.error));
    else waiting.resolve(message.data);
  }

  #end(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
