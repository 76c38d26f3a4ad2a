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

  /**
   * Places every region inside `arena`, first fit in the order of first use, at multiples of `alignment`; none goes over a multiple of
   * `chunk`. Gives the bytes taken.
   */
  layOut(arena: Region, alignment: number, chunk: number): number {
    let busy: { readonly last: number; readonly start: number; readonly end: number }[] = [];
    let total = 0;
    for (const { region, first, last } of [...this.#lives.values()].sort((a, b) => a.first - b.first || b.region.bytes - a.region.bytes)) {
      const bytes = Math.ceil(Math.max(1, region.bytes) / alignment) * alignment;
      busy = busy.filter((other) => other.last >= first);
      const within = (at: number): number =>
        Math.floor(at / chunk) === Math.floor((at + bytes - 1) / chunk) ? at : Math.ceil(at / chunk) * chunk;
      let [start, i] = [0, 0];
      for (; i < busy.length; i++) {
        const other = busy[i];
        if (other === undefined || other.start - start >= bytes) break;
        start = Math.max(start, within(other.end));
      }
      busy.splice(i, 0, { last, start, end: start + bytes });
      busy.sort((a, b) => a.start - b.start);
      total = Math.max(total, start + bytes);
      region.moveInto(arena, start);
    }
    return total;
  }
}
