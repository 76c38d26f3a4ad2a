import type { Entry } from './contender.ts';
import type { Medians, Target } from './target.ts';

export const sections = ['steps', 'linalg', 'lowrank', 'overhead', 'size', 'gpu'] as const;
export type Section = (typeof sections)[number];

/** What a backend is measured by: on a GPU a step is over when the device says so, which is another measurement. */
export const sectionsOn = (backend: string): readonly Section[] => sections.filter((one) => (one === 'gpu') === (backend === 'webgpu'));

/** What every contender does in one iteration, so that a rate can be printed. */
export interface Work {
  readonly amount: number;
  readonly unit: 'GFLOP/s' | 'GB/s';
}

/** Contenders that do the same thing, timed in turns. */
export interface Comparison {
  readonly section: Section;
  readonly title: string;
  /** The contender all others are divided by. */
  readonly ours: string;
  readonly entries: readonly Entry[];
  readonly work?: Work;
  /** Turns that are enough, where one takes seconds. */
  readonly rounds?: number;
  readonly targets: readonly Target[];
  /** Sentences below the table. */
  readonly notes?: (medians: Medians) => readonly string[];
}
