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

interface Life {
  readonly region: Region;
  first: number;
  last: number;
}

/** Notes when scratch regions are in use, and gives those that never meet the same place. */
export class Lifetimes {
  readonly #lives = new Map<Region, Life>();

  use(region: Region, time: number): void {
    const life = this.#lives.get(region) ?? { region, first: time, last: time };
    life.first = Math.min(life.first, time);
    life.last = Math.max(life.last, time);
    this.#lives.set(region, life);
  }

  /** Places every region inside `arena`, first fit in the order of first use; gives the bytes taken. */
  layOut(place: (region: Region, offset: number) => void): number {
    let busy: { readonly last: number; readonly start: number; readonly end: number }[] = [];
    let total = 0;
    for (const { region, first, last } of [...this.#lives.values()].sort((a, b) => a.first - b.first || b.region.bytes - a.region.bytes)) {
      const bytes = Math.ceil(Math.max(1, region.bytes) / 64) * 64;
      busy = busy.filter((other) => other.last >= first);
      let [start, i] = [0, 0];
      for (; i < busy.length; i++) {
        const other = busy[i];
        if (other === undefined || other.start - start >= bytes) break;
        start = Math.max(start, other.end);
      }
      busy.splice(i, 0, { last, start, end: start + bytes });
      total = Math.max(total, start + bytes);
      place(region, start);
    }
    return total;
  }
}
