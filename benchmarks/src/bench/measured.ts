import type { Comparison, Section } from './comparison.ts';
import { interleave, type Pace } from './interleave.ts';
import { median, minimum } from './statistics.ts';
import { type Judged, judge } from './target.ts';

/** One line of a result: seconds per iteration. */
export interface Row {
  readonly name: string;
  readonly median: number | null;
  readonly minimum: number | null;
  /** Its median over ours. */
  readonly ratio: number | null;
  readonly rate: number | null;
  readonly turns: number;
  readonly iterations: number;
  readonly missing?: string;
  readonly failed?: string;
}

/** A comparison that was run. */
export interface Measured {
  readonly section: Section;
  readonly title: string;
  readonly unit?: string;
  readonly rows: readonly Row[];
  readonly targets: readonly Judged[];
  readonly notes: readonly string[];
}

export async function measure(comparison: Comparison, pace: Pace): Promise<Measured> {
  const rounds = Math.min(pace.rounds, comparison.rounds ?? pace.rounds);
  const measurements = await interleave(comparison.entries, { ...pace, rounds });
  const times = new Map(measurements.flatMap((one) => ('samples' in one ? [[one.name, median(one.samples)] as const] : [])));
  const medians = (name: string): number | undefined => times.get(name);
  const ours = medians(comparison.ours);
  const { section, title, work } = comparison;
  return {
    section,
    title,
    ...(work && { unit: work.unit }),
    rows: measurements.map((one): Row => {
      if (!('samples' in one)) return { median: null, minimum: null, ratio: null, rate: null, turns: 0, iterations: 0, ...one };
      const middle = median(one.samples);
      return {
        name: one.name,
        median: middle,
        minimum: minimum(one.samples),
        ratio: ours === undefined ? null : middle / ours,
        rate: work === undefined ? null : work.amount / middle,
        turns: one.samples.length,
        iterations: one.iterations,
      };
    }),
    targets: comparison.targets.map((target) => judge(target, medians)),
    notes: comparison.notes?.(medians) ?? [],
  };
}
