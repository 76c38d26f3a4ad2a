/// <reference lib="dom" preserve="true" />
import { control, type Mail, type Start, type Work } from './control.ts';

/** The port of a thread to the one that began it. */
interface Port {
  on(event: 'message', f: (data: Start | Mail) => void): void;
  postMessage(data: 'ready'): void;
}

/** Node's, where this is Node; asked for in a way in which no bundler for browsers meets the name of the module in an import. */
declare const process: { getBuiltinModule?(name: 'node:worker_threads'): { readonly parentPort: Port | null } } | undefined;

/** A thread: takes part in runs, and sleeps while there is none. */
class Thread {
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #arena = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  readonly #own = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  readonly #environment: WebAssembly.ModuleImports;
  readonly #programs = new Map<number, Work>();
  #mail = 0;
  #epoch = 0;

  constructor({ memory, address, kernels, index }: Start) {
    this.#index = index;
    this.#words = new Int32Array(memory.buffer, address);
    const { exports } = new WebAssembly.Instance(kernels, { env: { memory } });
    this.#environment = { ...exports, memory, arena: this.#arena, own: this.#own };
  }

  receive({ program, module }: Mail): void {
    this.#mail++;
    if (module === undefined) this.#programs.delete(program);
    else {
      const { work } = new WebAssembly.Instance(module, { env: this.#environment }).exports;
      // The compiler of programs wrote it.
      this.#programs.set(program, work as Work);
    }
    this.#serve();
  }

  /** Runs, or sleeps, until there is mail: that is read when this returns. */
  #serve(): void {
    for (;;) {
      const bell = this.#read(control.bell);
      if (this.#mail < this.#read(control.mail)) return;
      const epoch = this.#read(control.epoch);
      if (epoch === this.#epoch) Atomics.wait(this.#words, control.bell / 4, bell);
      else this.#run(epoch);
    }
  }

  #run(epoch: number): void {
    const work = this.#programs.get(this.#read(control.program));
    this.#arena.value = this.#read(control.arena);
    this.#own.value = this.#read(control.own) + this.#index * this.#read(control.stride);
    // What was read belongs to this run only if it is still this run.
    if (this.#read(control.epoch) !== epoch) return;
    this.#epoch = epoch;
    try {
      work?.(epoch, 1);
    } catch (error) {
      Atomics.store(this.#words, control.failed / 4, 1);
      Atomics.notify(this.#words, control.done / 4);
      throw error;
    }
  }

  #read(byte: number): number {
    return Atomics.load(this.#words, byte / 4);
  }
}

/** What to do with a message, from the first on. */
function receiver(ready: () => void): (data: Start | Mail) => void {
  let thread: Thread | undefined;
  return (data) => {
    if ('memory' in data) {
      thread = new Thread(data);
      ready();
    } else thread?.receive(data);
  };
}

const port = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads').parentPort;
if (port) {
  port.on(
    'message',
    receiver(() => port.postMessage('ready')),
  );
} else if (typeof document === 'undefined') {
  const receive = receiver(() => postMessage('ready'));
  addEventListener('message', ({ data }: MessageEvent<Start | Mail>) => receive(data));
}
