/// <reference lib="dom" preserve="true" />
import { usage } from './usage.ts';

/** Scratch that all programs of a backend share, since only one runs at a time: one GPU buffer, or several of the size that can be bound. */
export class Scratch {
  /** Changes when the memory does: what is bound has to be bound anew. */
  generation = 0;
  readonly #device: GPUDevice;
  readonly #chunk: number;
  #buffers: readonly GPUBuffer[] = [];
  #bytes = 0;

  constructor(device: GPUDevice, chunk: number) {
    this.#device = device;
    this.#chunk = chunk;
  }

  get count(): number {
    return this.#buffers.length;
  }

  part(i: number): GPUBuffer | undefined {
    return this.#buffers[i];
  }

  reserve(bytes: number): void {
    if (bytes <= this.#bytes) return;
    this.destroy();
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

  /** The buffer at a byte of scratch, and where that buffer starts. */
  at(byte: number): { readonly gpu: GPUBuffer | undefined; readonly start: number } {
    const i = Math.floor(byte / this.#chunk);
    return { gpu: this.#buffers[i], start: i * this.#chunk };
  }

  destroy(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers = [];
    this.#bytes = 0;
  }
}
