import { BackendError } from '@opt/core';

const page = 65_536;
const alignment = 16;

/** Pages to begin with: most models never grow, so that views stay as they are. Pages nobody touches cost nothing. */
const initial = 512;

/** Neighbouring large buffers must not start at equal offsets of a memory page: caches tell them apart by these bits. */
const stagger = 5 * 64;

interface Gap {
  start: number;
  end: number;
}

const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** One linear memory and who has which part of it. Addresses are never moved; freed ones are given out again. */
export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  readonly #limit: number;
  /** Free stretches below `top`, in order. */
  readonly #gaps: Gap[] = [];
  // Address 0 stays free: kernels read it as "absent".
  #top = 64;

  /** Most pages it can grow to. */
  get pages(): number {
    return this.#limit;
  }

  /** `shared`: between threads; views then stay good when it grows. */
  constructor(limit: number, shared = false) {
    this.#limit = Math.floor(limit / page);
    this.memory = new WebAssembly.Memory({ initial: Math.min(initial, this.#limit), maximum: this.#limit, ...(shared && { shared }) });
  }

  /** `what` they are for is named where they cannot be had. */
  allocate(bytes: number, what: string): number {
    const size = this.#sizeOf(bytes);
    for (const [i, gap] of this.#gaps.entries()) {
      if (gap.end - gap.start < size) continue;
      const { start } = gap;
      gap.start += size;
      if (gap.start === gap.end) this.#gaps.splice(i, 1);
      return start;
    }
    const start = this.#top;
    this.#reach(start + size, bytes, what);
    this.#top = start + size;
    return start;
  }

  free(address: number, bytes: number): void {
    const end = address + this.#sizeOf(bytes);
    let i = this.#gaps.findIndex(({ start }) => start > address);
    if (i < 0) i = this.#gaps.length;
    const [before, behind] = [this.#gaps[i - 1], this.#gaps[i]];
    if (before !== undefined && before.end === address) {
      before.end = end;
      if (behind !== undefined && behind.start === end) {
        before.end = behind.end;
        this.#gaps.splice(i, 1);
      }
    } else if (behind !== undefined && behind.start === end) behind.start = address;
    else this.#gaps.splice(i, 0, { start: address, end });
    const last = this.#gaps.at(-1);
    if (last !== undefined && last.end === this.#top) {
      this.#top = last.start;
      this.#gaps.pop();
    }
  }

  #sizeOf(bytes: number): number {
    return aligned(Math.max(1, bytes)) + (bytes >= page ? stagger : 0);
  }

  /** Grows the memory to hold `end`: by half, so that views are made anew only rarely. */
  #reach(end: number, asked: number, what: string): void {
    const now = this.memory.buffer.byteLength / page;
    const needed = Math.ceil(end / page);
    if (needed <= now) return;
    const generous = Math.min(this.#limit, Math.max(needed, Math.ceil(now * 1.5)));
    if (needed > this.#limit || !(this.#grow(generous - now) || this.#grow(needed - now))) {
      throw new BackendError(
        `wasm: ${what} needs ${asked} bytes more, which cannot be had: ${this.#top} of at most ${this.#limit * page} are taken (option 'maxMemory')`,
      );
    }
  }

  #grow(pages: number): boolean {
    try {
      this.memory.grow(pages);
      return true;
    } catch {
      return false;
    }
  }
}
