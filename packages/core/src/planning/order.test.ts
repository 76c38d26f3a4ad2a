import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Precedence } from './order.ts';

interface Work {
  readonly id: number;
  readonly after: Set<Work>;
  reads: Set<number>;
}

/** By a walk over everything. */
function reaches(from: Work, to: Work, producers: ReadonlyMap<number, readonly Work[]>): boolean {
  const seen = new Set<Work>();
  const visit = [from];
  for (let at = visit.pop(); at !== undefined; at = visit.pop()) {
    if (at === to) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    visit.push(...at.after, ...[...at.reads].flatMap((value) => producers.get(value) ?? []));
  }
  return false;
}

it('says what a walk over the whole graph says, however work grew', () => {
  const edges = fc.array(fc.record({ from: fc.nat(11), to: fc.nat(11), kind: fc.constantFrom('reads', 'after') }), { maxLength: 40 });
  fc.assert(
    fc.property(edges, (added) => {
      const order = new Precedence<number, Work>();
      const all = Array.from({ length: 12 }, (_, id): Work => ({ id, after: new Set(), reads: new Set() }));
      for (const work of all) {
        order.produces(work, work.id);
        order.settle(work);
      }
      for (const { from, to, kind } of added) {
        const [work, other] = [all[from], all[to]];
        if (work === undefined || other === undefined || work === other) continue;
        // What would go round in a circle is refused, as a planner does.
        const circle = order.dependsOn(other, work);
        expect(circle).toBe(reaches(other, work, order.producers));
        if (circle) continue;
        if (kind === 'reads') work.reads.add(other.id);
        else work.after.add(other);
        order.settle(work);
      }
      for (const work of all) for (const other of all) expect(order.dependsOn(work, other)).toBe(reaches(work, other, order.producers));
    }),
    { numRuns: 300, seed: 5 },
  );
});
