/** From where addresses count: 0, the start of the arena, or the start of a thread's own scratch. */
export type Base = 'fixed' | 'arena' | 'own';

/** A stretch of linear memory: at a fixed address, in the arena, in what each thread has for itself, or inside another region. */
export class Region {
  readonly bytes: number;
  /** Known once the arena is laid out. */
  offset: number;
  #parent: Region | undefined;
  readonly #base: Base;

  private constructor(bytes: number, offset: number, parent: Region | undefined, base: Base) {
    this.bytes = bytes;
    this.offset = offset;
    this.#parent = parent;
    this.#base = base;
  }

  static fixed(address: number, bytes: number): Region {
    return new Region(bytes, address, undefined, 'fixed');
  }

  /** Scratch, to be placed by `layOut`. */
  static scratch(bytes: number): Region {
    return new Region(bytes, 0, undefined, 'arena');
  }

  /** Scratch of the thread that runs a kernel: the same place for all kernels, since it runs one at a time. */
  static own(bytes: number): Region {
    return new Region(bytes, 0, undefined, 'own');
  }

  part(offset: number, bytes: number): Region {
    return new Region(bytes, offset, this, this.#base);
  }

  /** Puts this region inside another one. */
  moveInto(parent: Region, offset: number): void {
    this.#parent = parent;
    this.offset = offset;
  }

  /** From its base. */
  get address(): number {
    return this.offset + (this.#parent?.address ?? 0);
  }

  get base(): Base {
    return this.#parent?.base ?? this.#base;
  }

  get arena(): boolean {
    return this.base === 'arena';
  }

  /** The region that owns the memory: what overlaps has the same. */
  get owner(): Region {
    return this.#parent?.owner ?? this;
  }
}
