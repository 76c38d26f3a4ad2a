import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { WasmBuffer } from '@opt/backend-wasm';
import type { Executable } from '@opt/core';
import { type OnnxBackend, onnx } from '../backend.ts';
import type { Answer, Question, WorkerOptions } from './protocol.ts';

/** The far side: a backend of this thread, which does what it is told in the order it is told. */
class Server {
  readonly #backend: OnnxBackend;
  /** Buffers; in place of one that could not be had, the reason, which is told when it is used. */
  readonly #buffers = new Map<number, WasmBuffer | Error>();
  readonly #executables = new Map<number, Executable<'async'>>();

  constructor(backend: OnnxBackend) {
    this.#backend = backend;
  }

  /** What was asked for, if it was data. */
  async serve(question: Question): Promise<Float32Array | Float64Array | undefined> {
    const backend = this.#backend;
    switch (question.do) {
      case 'create':
        this.#buffers.set(question.buffer, this.#create(question));
        return undefined;
      case 'write':
        backend.write(this.#buffer(question.buffer), question.data);
        return undefined;
      case 'release': {
        const buffer = this.#buffers.get(question.buffer);
        if (buffer !== undefined && !(buffer instanceof Error)) backend.release(buffer);
        this.#buffers.delete(question.buffer);
        return undefined;
      }
      case 'read':
        return backend.readBuffer(this.#buffer(question.buffer)).slice();
      case 'compile': {
        const { bound, program, executable } = question;
        this.#executables.set(executable, await backend.compile(program, (key) => this.#buffer(bound[key] ?? -1)));
        return undefined;
      }
      case 'run':
        await this.#executables.get(question.executable)?.run(question.scalars);
        return undefined;
      case 'dispose':
        this.#executables.get(question.executable)?.dispose();
        this.#executables.delete(question.executable);
        return undefined;
    }
  }

  #create({ role, key, shape, dtype }: Extract<Question, { do: 'create' }>): WasmBuffer | Error {
    try {
      return this.#backend.create(role, key, shape, dtype);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #buffer(id: number): WasmBuffer {
    const buffer = this.#buffers.get(id);
    if (buffer === undefined) throw new Error(`onnx: the worker has no buffer ${id}`);
    if (buffer instanceof Error) throw buffer;
    return buffer;
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function start(port: NonNullable<typeof parentPort>, options: WorkerOptions): Promise<void> {
  const tell = (answer: Answer): void => port.postMessage(answer);
  try {
    const server = new Server(await onnx(options));
    port.on('message', (question: Question) => {
      const { answer } = question;
      server.serve(question).then(
        (data) => {
          if (answer !== undefined) tell({ answer, ...(data && { data }) });
        },
        (error: unknown) => {
          // What nobody waits for fails again where somebody does.
          if (answer !== undefined) tell({ answer, error: wordsOf(error) });
        },
      );
    });
    tell({ ready: true });
  } catch (error) {
    tell({ error: wordsOf(error) });
  }
}

if (!isMainThread && parentPort !== null) void start(parentPort, workerData);
