import { append } from './append.ts';
import type { Kernel } from './kernel.ts';
import type { Value } from './value.ts';

/**
 * Kernels in an order that respects what they read, those of one key that are ready together as one group: a group waits, while there
 * is other work, for the last kernel of its key.
 */
export function ordered(
  kernels: readonly Kernel[],
  producers: ReadonlyMap<Value, readonly Kernel[]>,
  keyOf: (kernel: Kernel) => string,
): Kernel[][] {
  const waiting = new Map<Kernel, number>();
  const followers = new Map<Kernel, Kernel[]>();
  const left = new Map<string, number>();
  const ready = new Map<string, Kernel[]>();
  const keys = new Map(kernels.map((kernel) => [kernel, keyOf(kernel)]));
  const key = (kernel: Kernel): string => keys.get(kernel) ?? '';
  const release = (kernel: Kernel): void => append(ready, key(kernel), kernel);
  for (const kernel of kernels) {
    const before = new Set(kernel.after);
    for (const value of kernel.reads) for (const producer of producers.get(value) ?? []) if (producer !== kernel) before.add(producer);
    waiting.set(kernel, before.size);
    for (const earlier of before) append(followers, earlier, kernel);
    left.set(key(kernel), (left.get(key(kernel)) ?? 0) + 1);
    if (before.size === 0) release(kernel);
  }
  const groups: Kernel[][] = [];
  while (ready.size > 0) {
    const complete = [...ready].find(([name, group]) => group.length === left.get(name));
    const [name, group] = complete ?? [...ready].reduce((a, b) => ((a[1][0]?.id ?? 0) < (b[1][0]?.id ?? 0) ? a : b));
    ready.delete(name);
    left.set(name, (left.get(name) ?? 0) - group.length);
    groups.push(group);
    for (const kernel of group) {
      for (const follower of followers.get(kernel) ?? []) {
        const count = (waiting.get(follower) ?? 0) - 1;
        waiting.set(follower, count);
        if (count === 0) release(follower);
      }
    }
  }
  return groups;
}
