import { BackendError, cost, type Program } from '@opt/core';
import { type Kernels, kernelBytes } from '@opt/linalg';
import type { Sharing, Splitting } from '../compile.ts';
import type { LinearMemory } from '../memory.ts';
import { closed, control, controlBytes, type Mail, type Start, type Work } from './control.ts';
import { emitWork } from './emit-work.ts';
import { sharing } from './share.ts';
import type { Grain } from './tasks.ts';
import { turnsOf } from './turns.ts';
import { type Entry, maySleep, open, type Worked } from './workers.ts';

/** Where a run finds its scratch. */
export interface Scratch {
  readonly arena: number;
  readonly own: number;
  /** Bytes of each thread's own. */
  readonly stride: number;
}

/** A program that all threads know. */
export interface Split {
  run(scratch: Scratch): void;
  dispose(): void;
}

/**
 * This thread and workers, on one memory. A run is made known by one store and one wake-up; this thread takes part in it like the others
 * and does all of it where they are late. It waits for others only at the ends of stages, for tasks that they have begun.
 */
export class Team {
  readonly threads: number;
  /** Runs that were for several threads. */
  runs = 0;
  readonly kernels: Kernels;
  readonly #grain: Grain;
  readonly #pages: number;
  readonly #words: Int32Array;
  readonly #address: number;
  readonly #workers: readonly Worked[];
  readonly #mayWait: number = maySleep() ? 1 : 0;
  #programs = 0;
  #epoch = 0;

  /** Begins the workers; all or none. */
  static async begin(linear: LinearMemory, fma: boolean, grain: Grain, entry?: Entry): Promise<Team> {
    const { memory, pages } = linear;
    const address = Math.ceil(linear.allocate(controlBytes + 64, 'what threads tell each other') / 64) * 64;
    const words = new Int32Array(memory.buffer, address, controlBytes / 4);
    words[control.next / 4] = closed;
    const module = new WebAssembly.Module(sharing(kernelBytes(fma), pages));
    const begun = await Promise.allSettled(
      Array.from({ length: grain.threads - 1 }, (_, i): Promise<Worked> => {
        const start: Start = { memory, address, kernels: module, index: i + 1 };
        return open(start, entry);
      }),
    );
    const workers = begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = begun.find((one) => one.status === 'rejected');
    if (failed !== undefined) {
      for (const worker of workers) worker.end();
      throw failed.reason;
    }
    // WebAssembly exports are untyped; the interface is that of the same module, not shared.
    const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
    return new Team(kernels, grain, pages, words, address, workers);
  }

  private constructor(kernels: Kernels, grain: Grain, pages: number, words: Int32Array, address: number, workers: readonly Worked[]) {
    this.threads = grain.threads;
    this.kernels = kernels;
    this.#grain = grain;
    this.#pages = pages;
    this.#words = words;
    this.#address = address;
    this.#workers = workers;
  }

  /** How a program is compiled here: for all threads where it costs enough. */
  sharing(program: Program): Sharing {
    const { flops, bytes } = cost(program);
    // Nanoseconds, roughly.
    const worth = Math.max(flops / 30, bytes / 35) >= this.#grain.least;
    return worth ? { pages: this.#pages, splitting: this.#splitting } : { pages: this.#pages };
  }

  get #splitting(): Splitting {
    const grain = this.#grain;
    return {
      kernels: ['mirror'],
      turns: (order, producers) => turnsOf(order, producers, grain.task),
      emit: (context, plan) => emitWork(context, plan, grain, this.#address),
    };
  }

  /** Makes a program known to all; `work` is this thread's. */
  admit(module: WebAssembly.Module, work: Work, width: number): Split {
    const program = this.#programs++;
    this.#post({ program, module });
    return {
      run: (scratch) => this.#run(program, work, scratch, Math.min(width - 1, this.#workers.length)),
      dispose: () => this.#post({ program }),
    };
  }

  /** Ends the workers. */
  dispose(): void {
    for (const worker of this.#workers) worker.end();
  }

  #run(program: number, work: Work, { arena, own, stride }: Scratch, helpers: number): void {
    this.runs++;
    // No run is on: whoever is late with the last one takes nothing.
    this.#store(control.program, program);
    this.#store(control.arena, arena);
    this.#store(control.own, own);
    this.#store(control.stride, stride);
    this.#store(control.done, 0);
    this.#epoch = (this.#epoch + 1) | 0;
    this.#store(control.epoch, this.#epoch);
    this.#store(control.next, 0);
    this.#ring(helpers);
    try {
      work(this.#epoch, this.#mayWait);
    } catch (error) {
      this.#store(control.failed, 1);
      throw error;
    } finally {
      this.#store(control.next, closed);
    }
    if (Atomics.load(this.#words, control.failed / 4) !== 0)
      throw new BackendError('wasm: a thread failed, this backend can do nothing more');
  }

  #post(mail: Mail): void {
    for (const worker of this.#workers) worker.post(mail);
    Atomics.add(this.#words, control.mail / 4, 1);
    this.#ring(this.#workers.length);
  }

  #ring(sleepers: number): void {
    Atomics.add(this.#words, control.bell / 4, 1);
    Atomics.notify(this.#words, control.bell / 4, sleepers);
  }

  #store(byte: number, value: number): void {
    Atomics.store(this.#words, byte / 4, value);
  }
}
