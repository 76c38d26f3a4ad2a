import type { Scalar } from '../options/hyper.ts';
import { record } from '../records.ts';
import type { Group } from './optimizer.ts';
import type { Layout } from './plans/layout.ts';
import type { LiveHypers } from './step/runner.ts';

/** Which parameters go to which rule of a partition; one group where nothing divides. */
export function groupsOf(names: readonly string[], layout: Layout, live: LiveHypers): readonly Group[] {
  const all: Iterable<readonly [string, readonly string[]]> = layout.groups.size === 0 ? [['', names]] : layout.groups;
  return Array.from(all, ([path, parameters]) => ({ path, parameters, hyperparameters: hypersWithin(path, layout, live) }));
}

/** What stages at a path hold, as it is now, by address. */
export const hypersWithin = (path: string, layout: Layout, live: LiveHypers): Readonly<Record<string, Scalar>> =>
  record(layout.within(path).map((hyper) => [layout.address(hyper), live.get(hyper) ?? hyper.value]));
