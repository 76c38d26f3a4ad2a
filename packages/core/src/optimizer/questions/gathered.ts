import type { Mode } from '../../backend.ts';
import { ObjectiveError } from '../../errors.ts';
import type { Objective } from '../../objective/objective.ts';
import type { Counters } from '../plans/counters.ts';
import type { Plan } from '../plans/plan.ts';

type Given<Native> = Objective<string, Mode, Native> | undefined;

/** The objectives of a window's calls, from call to call. */
export class Gathered<Native> {
  private held: Given<Native>[] = [];

  /** A call took effect. */
  after({ window }: Plan, objective: Given<Native>): void {
    if (window === undefined) return;
    if (window.closes) this.held = [];
    else this.held.push(objective);
  }

  /** Whom the questions of a plan are put to. @throws ObjectiveError where objectives of the window are not here any more */
  all({ window, flushes }: Plan, objective: Given<Native>, counters: Counters): readonly Given<Native>[] {
    if (window?.closes !== true) return [objective];
    const before = counters.valueOf(window.cell);
    if (this.held.length !== before)
      throw new ObjectiveError(
        `step: the window that closes began with ${before} calls, but the objectives of ${this.held.length} are here: a checkpoint holds none; save and load between windows`,
      );
    return flushes ? this.held : [...this.held, objective];
  }
}
