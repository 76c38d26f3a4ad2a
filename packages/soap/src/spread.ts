import { type Shape, type Shapes, type Site, size } from '@opt/core';

/** In how many steps of a period refreshes may come: each is a program of its own. */
const most = 8;

type Phase = 'start' | 'step' | 'refresh';

export interface SpreadOptions {
  readonly preconditionFrequency: number;
  readonly spread: boolean;
}

/** FLOPs of a refresh, but for a factor. */
const work = (shape: Shape, lengths: readonly number[]): number => lengths.reduce((sum, d) => sum + d ** 3 + size(shape) * d, 0);

/**
 * By how many steps the refreshes of each parameter come earlier than at the end of a period f: parameters are dealt out, the dearest
 * first, to the step that has the least work so far, among steps as far from one another as f allows. A function of names and
 * shapes alone, whatever the order: a run that is resumed goes on as it would have.
 */
export function delays(shapes: Shapes, f: number, lengthsOf: (shape: Shape) => readonly number[]): ReadonlyMap<string, number> {
  const costs = Object.entries(shapes)
    .map(([owner, shape]) => ({ owner, cost: work(shape, lengthsOf(shape)) }))
    .filter(({ cost }) => cost > 0)
    .sort((a, b) => b.cost - a.cost || (a.owner < b.owner ? -1 : 1));
  const groups = Array.from({ length: Math.min(f, costs.length, most) }, (_, i) => ({ i, cost: 0 }));
  const dealt = new Map<string, number>();
  for (const { owner, cost } of costs) {
    const least = groups.reduce((a, b) => (b.cost < a.cost ? b : a));
    least.cost += cost;
    dealt.set(owner, Math.floor((least.i * f) / groups.length));
  }
  return dealt;
}

/** What is to be done for a parameter in call `calls`: the first sets its basis up; then, every f calls, a refresh. */
export function refreshPhases(
  { preconditionFrequency: f, spread }: SpreadOptions,
  lengthsOf: (shape: Shape) => readonly number[],
): (site: Site, owner: string) => (calls: number) => Phase {
  // Whoever asks alike asks by the same function: answers are kept by it.
  const phases = new Map<number, (calls: number) => Phase>();
  const phaseOf = (delay: number): ((calls: number) => Phase) => {
    const phase = phases.get(delay) ?? ((calls) => (calls === 1 ? 'start' : (calls - 1) % f === delay ? 'refresh' : 'step'));
    phases.set(delay, phase);
    return phase;
  };
  const known = new WeakMap<Shapes, ReadonlyMap<string, number>>();
  const delayOf = ({ shapes }: Site, owner: string): number => {
    const dealt = known.get(shapes) ?? delays(shapes, f, lengthsOf);
    known.set(shapes, dealt);
    return dealt.get(owner) ?? 0;
  };
  return (site, owner) => phaseOf(spread ? delayOf(site, owner) : 0);
}
