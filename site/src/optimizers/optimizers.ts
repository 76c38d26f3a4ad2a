import { averaged } from './averaged.ts';
import type { OptimizerEntry } from './entry.ts';
import { gradientBased } from './gradient-based.ts';
import { lowRank } from './low-rank.ts';
import { manifolds } from './manifolds.ts';
import { matrixBased } from './matrix-based.ts';

export type { OptimizerEntry } from './entry.ts';

interface Group {
  readonly title: string;
  readonly entries: readonly OptimizerEntry[];
}

/** In the order of the menu. */
export const groups: readonly Group[] = [
  { title: 'Entry by entry', entries: gradientBased },
  { title: 'Matrices and more', entries: matrixBased },
  { title: 'Bases of low rank', entries: lowRank },
  { title: 'Around an optimizer', entries: averaged },
  { title: 'On manifolds', entries: manifolds },
];

export const optimizers: readonly OptimizerEntry[] = groups.flatMap(({ entries }) => entries);
