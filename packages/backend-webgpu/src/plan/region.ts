import type { WebGpuBuffer } from '../memory.ts';

/** A stretch of memory: somebody's tensor, or scratch that gets its place when everything is known. Bytes. */
export class Region {
  readonly bytes: number;
  offset: number;
  /** The tensor it is, where it is no scratch. */
  readonly held: WebGpuBuffer | undefined;
  /** Whether it is the memory of flags. */
  readonly flags: boolean;
  #parent: Region | undefined;

  private constructor(bytes: number, offset: number, parent: Region | undefined, held: WebGpuBuffer | undefined, flags = false) {
    this.bytes = bytes;
    this.offset = offset;
    this.held = held;
    this.flags = flags;
    this.#parent = parent;
  }

  static of(held: WebGpuBuffer): Region {
    return new Region(held.bytes, 0, undefined, held);
  }

  static scratch(bytes: number): Region {
    return new Region(bytes, 0, undefined, undefined);
  }

  static flags(): Region {
    return new Region(0, 0, undefined, undefined, true);
  }

  part(offset: number, bytes: number): Region {
    return new Region(bytes, offset, this, undefined);
  }

  /** Puts this region inside another one. */
  moveInto(parent: Region, offset: number): void {
    this.#parent = parent;
    this.offset = offset;
  }

  /** From the start of the owner. */
  get start(): number {
    return this.#parent === undefined ? 0 : this.offset + this.#parent.start;
  }

  /** The region that owns the memory: what overlaps has the same. */
  get owner(): Region {
    return this.#parent?.owner ?? this;
  }
}
