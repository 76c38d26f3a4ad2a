import type { Entry } from './contender.ts';
import type { Medians, Target } from './target.ts';

export const sections = ['steps', 'linalg', 'lowrank', 'overhead', 'size', 'gpu', 'onnx', 'threads'] as const;
export type Section = (typeof sections)[number];

/** Sections that are about one backend. */
const own: Readonly<Record<string, Section>> = { webgpu: 'gpu', onnx: 'onnx', 'wasm-threads': 'threads' };

/**
 * What a backend is measured by: on a GPU a step is over when the device says so, which is another measurement, and ONNX Runtime is
 * held against PyTorch on as many threads; what threads are held against is one thread.
 */
export const sectionsOn = (backend: string): readonly Section[] => {
  const only = own[backend];
  return only === undefined ? sections.filter((one) => !Object.values(own).includes(one)) : [only];
};

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
