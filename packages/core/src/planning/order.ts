/** Work that runs after what it names, and after the producers of what it reads. */
interface Ordered<Self, Value> {
  readonly after: Iterable<Self>;
  readonly reads: Iterable<Value>;
}

/** Whether a piece of work can only run after another one. */
export function reaches<Value, Work extends Ordered<Work, Value>>(
  from: Work,
  to: Work,
  producers: ReadonlyMap<Value, readonly Work[]>,
): boolean {
  const seen = new Set<Work>();
  const visit = [from];
  for (let work = visit.pop(); work !== undefined; work = visit.pop()) {
    if (work === to) return true;
    if (seen.has(work)) continue;
    seen.add(work);
    visit.push(...work.after);
    for (const value of work.reads) for (const producer of producers.get(value) ?? []) if (producer !== work) visit.push(producer);
  }
  return false;
}
