import { best } from '../protocol/search.ts';
import type { DoneRun } from '../sweep.ts';

/** The run at the best rate of a search; undefined where none was done. */
export const winnerOf = (search: readonly DoneRun[]): DoneRun | undefined =>
  best(search.map((run) => ({ rate: run.spec.rate, score: run.judged.score, run })))?.run;
