import type { Kernel } from '../plan/fusion.ts';
import type { Producers } from '../plan/handed.ts';
import type { Turn } from '../plan/planned.ts';
import { costOf } from './cost.ts';

/**
 * Kernels, given in a possible order, by levels: those of a level need nothing of each other and may run at the same time. Levels that
 * follow one another and are not worth a second thread are one turn, in which one kernel runs after the other.
 */
export function turnsOf(order: readonly Kernel[], producers: Producers, grain: number): readonly Turn[] {
  const levels = new Map<Kernel, number>();
  const byLevel: Kernel[][] = [];
  for (const kernel of order) {
    let level = 0;
    const after = (earlier: Kernel): void => {
      if (earlier !== kernel) level = Math.max(level, 1 + (levels.get(earlier) ?? 0));
    };
    for (const value of kernel.reads) for (const producer of producers.get(value) ?? []) after(producer);
    for (const earlier of kernel.after) after(earlier);
    levels.set(kernel, level);
    const there = byLevel[level];
    if (there === undefined) byLevel[level] = [kernel];
    else there.push(kernel);
  }
  const turns: { readonly kernels: Kernel[]; readonly handed: false; readonly together: boolean; cost: number }[] = [];
  for (const kernels of byLevel) {
    const cost = kernels.reduce((sum, kernel) => sum + costOf(kernel), 0);
    const last = turns.at(-1);
    if (cost >= grain) turns.push({ kernels, handed: false, together: true, cost });
    else if (last !== undefined && !last.together && last.cost < grain) {
      last.kernels.push(...kernels);
      last.cost += cost;
    } else turns.push({ kernels: [...kernels], handed: false, together: false, cost });
  }
  return turns;
}
