/// <reference lib="dom" preserve="true" />
import { usage } from './usage.ts';

/** Runs after which their numbers begin anew. */
const runs = 2 ** 24;

/** Scratch that all programs of a backend share, since only one runs at a time: one GPU buffer, or several of the size that can be bound. */
export class Scratch {
  /** Changes when the memory does: what is bound has to be bound anew. */
  generation = 0;
  readonly #device: GPUDevice;
  readonly #chunk: number;
  #flags: GPUBuffer | undefined;
  #run = 0;
  #buffers: readonly GPUBuffer[] = [];
  #bytes = 0;

  constructor(device: GPUDevice, chunk: number) {
    this.#device = device;
    this.#chunk = chunk;
  }

  get count(): number {
    return this.#buffers.length + (this.#flags === undefined ? 0 : 1);
  }

  part(i: number): GPUBuffer | undefined {
    return this.#buffers[i];
  }

  reserve(bytes: number): void {
    if (bytes <= this.#bytes) return;
    this.#release();
    const count = Math.ceil(bytes / this.#chunk);
    this.#buffers = Array.from({ length: count }, (_, i) =>
      this.#device.createBuffer({
        label: 'opt scratch',
        size: Math.min(this.#chunk, bytes - i * this.#chunk),
        usage: usage.storage | usage.copySource | usage.copyTarget,
      }),
    );
    this.#bytes = bytes;
    this.generation++;
  }

  /** Words that hold the number of the run that raised them last: a run finds them down without anybody having cleared them. */
  get flags(): GPUBuffer | undefined {
    return this.#flags;
  }

  reserveFlags(count: number): void {
    if (4 * count <= (this.#flags?.size ?? 0)) return;
    this.#flags?.destroy();
    this.#flags = this.#device.createBuffer({
      label: 'opt flags',
      size: 4 * count,
      usage: usage.storage | usage.copySource | usage.copyTarget,
    });
    this.generation++;
  }

  /** The number of the run that begins: one that f32 holds, and that no flag shows. */
  nextRun(): number {
    if (this.#run === runs && this.#flags !== undefined)
      this.#device.queue.writeBuffer(this.#flags, 0, new Uint32Array(this.#flags.size / 4));
    this.#run = (this.#run % runs) + 1;
    return this.#run;
  }

  /** The buffer at a byte of scratch, and where that buffer starts. */
  at(byte: number): { readonly gpu: GPUBuffer | undefined; readonly start: number } {
    const i = Math.floor(byte / this.#chunk);
    return { gpu: this.#buffers[i], start: i * this.#chunk };
  }

  destroy(): void {
    this.#flags?.destroy();
    this.#flags = undefined;
    this.#release();
  }

  #release(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers = [];
    this.#bytes = 0;
  }
}
