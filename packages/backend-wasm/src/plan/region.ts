/** A stretch of linear memory: at a fixed address, in the arena, or inside another region. */
export class Region {
  readonly bytes: number;
  /** Known once the arena is laid out. */
  offset: number;
  #parent: Region | undefined;
  readonly #inArena: boolean;

  private constructor(bytes: number, offset: number, parent: Region | undefined, inArena: boolean) {
    this.bytes = bytes;
    this.offset = offset;
    this.#parent = parent;
    this.#inArena = inArena;
  }

  static fixed(address: number, bytes: number): Region {
    return new Region(bytes, address, undefined, false);
  }

  /** Scratch, to be placed by `layOut`. */
  static scratch(bytes: number): Region {
    return new Region(bytes, 0, undefined, true);
  }

  part(offset: number, bytes: number): Region {
    return new Region(bytes, offset, this, this.#inArena);
  }

  /** Puts this region inside another one. */
  moveInto(parent: Region, offset: number): void {
    this.#parent = parent;
    this.offset = offset;
  }

  /** From address 0, or from the start of the arena. */
  get address(): number {
    return this.offset + (this.#parent?.address ?? 0);
  }

  get arena(): boolean {
    return this.#parent?.arena ?? this.#inArena;
  }

  /** The region that owns the memory: what overlaps has the same. */
  get owner(): Region {
    return this.#parent?.owner ?? this;
  }
}
