/** The median of a contender in seconds per iteration, if it was measured. */
export type Medians = (name: string) => number | undefined;

/** Something a comparison has to show. */
export interface Target {
  /** The contender beside which it is printed. */
  readonly row: string;
  readonly says: string;
  readonly bound: number;
  readonly sense: 'at least' | 'at most';
  /** What is held against the bound; undefined where something it needs was not measured. */
  value(medians: Medians): number | undefined;
}

export interface Judged {
  readonly row: string;
  readonly says: string;
  readonly value: number | null;
  readonly verdict: 'met' | 'missed' | 'not measured';
}

/** Time of `theirs` over time of `ours`; printed beside theirs, or beside the variant of ours that it is about. */
export const ratioAtLeast = (theirs: string, ours: string, bound: number): Target => ({
  row: ours === 'ours' ? theirs : ours,
  says: `${theirs} ÷ ${ours} ≥ ${bound}`,
  bound,
  sense: 'at least',
  value(medians) {
    const [other, own] = [medians(theirs), medians(ours)];
    return other === undefined || own === undefined ? undefined : other / own;
  },
});

/** At most so many microseconds an iteration. */
export const microsecondsAtMost = (row: string, bound: number): Target => ({
  row,
  says: `≤ ${bound} µs`,
  bound,
  sense: 'at most',
  value(medians) {
    const seconds = medians(row);
    return seconds === undefined ? undefined : seconds * 1e6;
  },
});

/** At most `bound` times the bytes that `of` names. */
export const bytesAtMost = (row: string, bytes: number, of: { readonly name: string; readonly bytes: number }, bound: number): Target => ({
  row,
  says: `state ≤ ${bound} × ${of.name}`,
  bound,
  sense: 'at most',
  value: () => bytes / of.bytes,
});

/** At least so many GFLOP/s, where an iteration takes `flops` operations. */
export const gigaflopsAtLeast = (row: string, flops: number, bound: number): Target => ({
  row,
  says: `≥ ${bound} GFLOP/s`,
  bound,
  sense: 'at least',
  value(medians) {
    const seconds = medians(row);
    return seconds === undefined ? undefined : flops / seconds / 1e9;
  },
});

export function judge(target: Target, medians: Medians): Judged {
  const value = target.value(medians);
  const { row, says } = target;
  if (value === undefined || !Number.isFinite(value)) return { row, says, value: null, verdict: 'not measured' };
  return { row, says, value, verdict: holds(value, target.sense, target.bound) ? 'met' : 'missed' };
}

export const holds = (value: number, sense: Target['sense'], bound: number): boolean =>
  sense === 'at least' ? value >= bound : value <= bound;
