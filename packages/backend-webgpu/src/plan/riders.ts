import { append } from './append.ts';
import type { Kernel } from './kernel.ts';
import type { Value } from './value.ts';

/** Work that is one dispatch: kernels of one text, and a few of another one beside them. */
export interface Group {
  readonly kernels: readonly Kernel[];
  readonly riders: readonly Kernel[];
}

/** Most kernels that ride along with others. */
const few = 8;

/**
 * Lets groups that compute a few single numbers, such as a counter, join the dispatch of a group that needs nothing of theirs, nor they
 * of it. `binds`: whether the device can bind what the two need.
 */
export function withRiders(
  groups: readonly (readonly Kernel[])[],
  producers: ReadonlyMap<Value, readonly Kernel[]>,
  binds: (host: readonly Kernel[], riders: readonly Kernel[]) => boolean,
): Group[] {
  const position = new Map<Kernel, number>();
  const before = new Map<Kernel, readonly Kernel[]>();
  const behind = new Map<Kernel, Kernel[]>();
  groups.forEach((group, time) => {
    for (const kernel of group) {
      position.set(kernel, time);
      const needed = new Set([...kernel.after, ...[...kernel.reads].flatMap((value) => producers.get(value) ?? [])]);
      needed.delete(kernel);
      before.set(kernel, [...needed]);
      for (const other of needed) append(behind, other, kernel);
    }
  });
  const times = (group: readonly Kernel[], others: ReadonlyMap<Kernel, readonly Kernel[]>): number[] =>
    group.flatMap((kernel) => others.get(kernel) ?? []).map((kernel) => position.get(kernel) ?? 0);
  const riders = new Map<number, readonly Kernel[]>();
  const riding = new Set<number>();
  groups.forEach((group, time) => {
    if (!isSmall(group) || riders.has(time)) return;
    const first = 1 + Math.max(-1, ...times(group, before));
    const last = Math.min(groups.length, ...times(group, behind)) - 1;
    const host = groups.findIndex(
      (other, i) =>
        i >= first && i <= last && i !== time && !riding.has(i) && !riders.has(i) && !isSmall(other) && isMap(other) && binds(other, group),
    );
    if (host < 0) return;
    riders.set(host, group);
    riding.add(time);
    for (const kernel of group) position.set(kernel, host);
  });
  return groups.flatMap((kernels, time) => (riding.has(time) ? [] : [{ kernels, riders: riders.get(time) ?? [] }]));
}

const isMap = (group: readonly Kernel[]): boolean => group.every(({ core }) => core.kind === 'map');

const isSmall = (group: readonly Kernel[]): boolean =>
  group.length <= few &&
  isMap(group) &&
  group.every(({ roots }) => roots.every(({ source, placing }) => source.size === 1 && placing === undefined));
