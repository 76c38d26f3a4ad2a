/** How scratch memory may be laid out, in bytes. */
export interface Grid {
  /** What every place is a multiple of. */
  readonly alignment: number;
  /** Nothing goes over a multiple of it; default: no such border. */
  readonly chunk?: number;
}

interface Life<Region> {
  readonly region: Region;
  first: number;
  last: number;
}

/** Notes when pieces of scratch memory are in use, and gives those that never meet the same place. */
export class Lifetimes<Region extends { readonly bytes: number }> {
  readonly #lives = new Map<Region, Life<Region>>();

  use(region: Region, time: number): void {
    const life = this.#lives.get(region) ?? { region, first: time, last: time };
    life.first = Math.min(life.first, time);
    life.last = Math.max(life.last, time);
    this.#lives.set(region, life);
  }

  /** Places every region, first fit in the order of first use, larger ones first; gives the bytes taken. */
  layOut({ alignment, chunk = Number.POSITIVE_INFINITY }: Grid, place: (region: Region, offset: number) => void): number {
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
      place(region, start);
    }
    return total;
  }
}
