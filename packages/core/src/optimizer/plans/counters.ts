/** What one run does to a counter. */
export type Effect = 'count' | 'reset';

/**
 * Counts, one per stage and parameter, kept in shared cells: counters that have always moved together are one number, so
 * that forty parameters cost the host as much as one.
 */
export class Counters {
  private readonly cellOf = new Map<string, number>();
  private readonly cells: number[] = [];
  /** Counters that run on when the device drops a run, by the key of the slot in which it counts those. */
  readonly ahead: Map<string, string> = new Map();
  /** Grows whenever counters stop moving together: programs traced before are then void. */
  splits = 0;

  value(counter: string): number {
    const cell = this.cellOf.get(counter);
    return cell === undefined ? 0 : (this.cells[cell] ?? 0);
  }

  valueOf(cell: number): number {
    return this.cells[cell] ?? 0;
  }

  find(counter: string): number | undefined {
    return this.cellOf.get(counter);
  }

  /** Puts a new counter into `cell`, or into a new one, and gives the cell. */
  add(counter: string, cell: number = this.cells.push(0) - 1): number {
    this.cellOf.set(counter, cell);
    return cell;
  }

  /** Sees to it that every counter of a cell has the same effect; true if a cell had to be split. */
  separate(effects: ReadonlyMap<string, Effect>): boolean {
    const targets = new Map<string, number>();
    const kept = new Map<number, string>();
    let split = false;
    for (const [counter, cell] of this.cellOf) {
      const effect = effects.get(counter) ?? 'none';
      const first = kept.get(cell) ?? effect;
      kept.set(cell, first);
      if (effect === first) continue;
      const target = targets.get(`${cell} ${effect}`) ?? this.cells.push(this.cells[cell] ?? 0) - 1;
      targets.set(`${cell} ${effect}`, target);
      this.cellOf.set(counter, target);
      split = true;
    }
    if (split) this.splits++;
    return split;
  }

  apply(counted: Iterable<number>, reset: Iterable<number>): void {
    for (const cell of counted) this.cells[cell] = (this.cells[cell] ?? 0) + 1;
    for (const cell of reset) this.cells[cell] = 0;
  }

  entries(): [string, number][] {
    return [...this.cellOf].map(([counter, cell]) => [counter, this.cells[cell] ?? 0]);
  }

  /** Takes over saved counts; counters of equal value share a cell until they part. */
  load(entries: Iterable<readonly [string, number]>): void {
    this.cellOf.clear();
    this.ahead.clear();
    this.cells.length = 0;
    this.splits++;
    const byValue = new Map<number, number>();
    for (const [counter, value] of entries) {
      const cell = byValue.get(value) ?? this.cells.push(value) - 1;
      byValue.set(value, cell);
      this.cellOf.set(counter, cell);
    }
  }
}
