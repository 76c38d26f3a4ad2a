/** When a low-rank basis does what. t counts steps from 0. */
export interface Timing {
  /** f: every how many steps the basis is refreshed. */
  readonly updateFreq: number;
  /** How many steps at the beginning only build the basis, one refresh each. */
  readonly initSteps: number;
  /** The first step has no correction yet. */
  readonly late: boolean;
}

/** What step t is. */
export interface Moment {
  readonly refresh: boolean;
  /** Steps since the last refresh, this one included. */
  readonly columns: number;
  /** Nothing flows on: the basis is being built, or there is none. */
  readonly hold: boolean;
  /** The first step of all. */
  readonly first: boolean;
  /** The first that may have a correction. */
  readonly opening: boolean;
  /** The first on which the stages inside run. */
  readonly start: boolean;
}

/** The last refresh before step t; −1 before the first. */
function lastBefore(t: number, { updateFreq: f, initSteps }: Timing): number {
  if (t <= initSteps) return t - 1;
  return Math.max(Math.floor((t - 1) / f) * f, initSteps - 1);
}

const refreshesAt = (t: number, { updateFreq: f, initSteps }: Timing): boolean => t % f === 0 || t < initSteps;

/** The step of the first correction. */
const openingOf = (timing: Timing): number => (timing.late ? (timing.initSteps > 1 ? 1 : timing.updateFreq) : 0);

export function momentAt(t: number, timing: Timing): Moment {
  const opening = openingOf(timing);
  const start = Math.max(opening, timing.initSteps);
  return {
    refresh: refreshesAt(t, timing),
    columns: t - lastBefore(t, timing),
    hold: t < start,
    first: t === 0,
    opening: t === opening,
    start: t === start,
  };
}

/** A moment as the name of a program, and back. */
export function nameOf({ refresh, columns, hold, first, opening, start }: Moment): string {
  const marks = Object.entries({ hold, first, opening, start }).flatMap(([mark, holds]) => (holds ? [mark] : []));
  return [refresh ? `refresh ${columns}` : 'keep', ...marks].join(' ');
}

export function parse(name: string): Moment {
  const words = name.split(' ');
  const has = (word: string): boolean => words.includes(word);
  const refresh = has('refresh');
  return {
    refresh,
    columns: refresh ? Number(words[1]) : 0,
    hold: has('hold'),
    first: has('first'),
    opening: has('opening'),
    start: has('start'),
  };
}

/** How many refreshes there were up to and including step t, and how many steps up to the last of them. */
export function refreshes(t: number, timing: Timing): { readonly count: number; readonly steps: number } {
  const { updateFreq: f, initSteps } = timing;
  const last = refreshesAt(t, timing) ? t : lastBefore(t, timing);
  // Multiples of f in [initSteps, t].
  const later = t < initSteps ? 0 : Math.floor(t / f) - Math.ceil(initSteps / f) + 1;
  return { count: Math.min(t + 1, initSteps) + later, steps: last + 1 };
}
