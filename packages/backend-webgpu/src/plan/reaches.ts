import type { Kernel } from './kernel.ts';
import type { Value } from './values.ts';

/** Whether a kernel can only run after another one. */
export function reaches(from: Kernel, to: Kernel, producers: ReadonlyMap<Value, readonly Kernel[]>): boolean {
  const seen = new Set<Kernel>();
  const visit = [from];
  for (let kernel = visit.pop(); kernel !== undefined; kernel = visit.pop()) {
    if (kernel === to) return true;
    if (seen.has(kernel)) continue;
    seen.add(kernel);
    visit.push(...kernel.after);
    for (const value of kernel.reads) for (const producer of producers.get(value) ?? []) if (producer !== kernel) visit.push(producer);
  }
  return false;
}
