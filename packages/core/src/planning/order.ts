/** Work that runs after what it names, and after the producers of what it reads. */
interface Ordered<Self, Value> {
  readonly after: Set<Self>;
  readonly reads: Iterable<Value>;
}

/**
 * Which work can only run after which, while it is still being put together. Every piece has a level above those of all it needs, so that
 * most questions are answered without a look at the graph: a model of hundreds of tensors asks tens of thousands.
 */
export class Precedence<Value, Work extends Ordered<Work, Value>> {
  /** By value: the work that writes it. */
  readonly producers: Map<Value, Work[]> = new Map<Value, Work[]>();
  private readonly products = new Map<Work, Value[]>();
  private readonly readers = new Map<Value, Set<Work>>();
  private readonly followers = new Map<Work, Set<Work>>();
  private readonly levels = new Map<Work, number>();

  /** Work writes a value, beside others that do. */
  produces(work: Work, value: Value): void {
    const known = entry(this.producers, value, () => []);
    if (known.includes(work)) return;
    known.push(work);
    entry(this.products, work, () => []).push(value);
    for (const reader of this.readers.get(value) ?? []) this.settle(reader);
  }

  /** To be told of work that is new, reads more than before, or comes after more. */
  settle(changed: Work): void {
    for (const value of changed.reads) entry(this.readers, value, () => new Set()).add(changed);
    for (const earlier of changed.after) entry(this.followers, earlier, () => new Set()).add(changed);
    const visit = [changed];
    for (let work = visit.pop(); work !== undefined; work = visit.pop()) {
      let level = 0;
      for (const earlier of this.needs(work)) level = Math.max(level, 1 + (this.levels.get(earlier) ?? 0));
      if (level <= (this.levels.get(work) ?? -1)) continue;
      this.levels.set(work, level);
      for (const value of this.products.get(work) ?? [])
        for (const reader of this.readers.get(value) ?? []) if (reader !== work) visit.push(reader);
      visit.push(...(this.followers.get(work) ?? []));
    }
  }

  /** Has work run after other work. */
  follow(work: Work, others: Iterable<Work>): void {
    for (const other of others) work.after.add(other);
    this.settle(work);
  }

  /** Whether a piece of work can only run after another one, or is that. */
  dependsOn(work: Work, other: Work): boolean {
    const least = this.levels.get(other) ?? 0;
    const seen = new Set<Work>();
    const visit = [work];
    for (let at = visit.pop(); at !== undefined; at = visit.pop()) {
      if (at === other) return true;
      if ((this.levels.get(at) ?? 0) <= least || seen.has(at)) continue;
      seen.add(at);
      visit.push(...this.needs(at));
    }
    return false;
  }

  private *needs(work: Work): Generator<Work> {
    for (const earlier of work.after) if (earlier !== work) yield earlier;
    for (const value of work.reads) for (const producer of this.producers.get(value) ?? []) if (producer !== work) yield producer;
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}
