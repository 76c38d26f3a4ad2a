import type { Floats } from '../../backend.ts';
import { NonFiniteAnswerError, NonFiniteGradientError, NonFiniteResultError } from '../../errors.ts';
import { warn } from '../../log.ts';
import type { Layout } from '../plans/layout.ts';
import type { Plan } from '../plans/plan.ts';
import { failing, poisonedLate } from './verdicts.ts';

/** Why steps are dropped by what comes after the check, and how many the host dropped in all. */
export class Dropped {
  calls = 0;
  private readonly layout: Layout;
  /** Whether the log says already that a step was dropped. */
  private warned = false;

  constructor(layout: Layout) {
    this.layout = layout;
  }

  /** As if the call had not been made, but for this. */
  note(): false {
    this.calls++;
    return false;
  }

  /** Whether an objective's answers forbid the step: no program sees them, which might make something finite of an infinity. */
  isPoisoned(poison: readonly string[]): boolean {
    if (poison.length === 0) return false;
    if (this.layout.otherwise === 'throw') throw new NonFiniteAnswerError(poison);
    this.sayDropped(`the objective's answer is NaN or infinite: ${poison.join(', ')}`);
    return true;
  }

  /** Whether a step whose results were looked at was taken. */
  tookEffect({ verdicts }: Plan, entries: Floats): boolean {
    const failed = failing(verdicts, entries);
    if (failed.length === 0) return true;
    const late = poisonedLate(verdicts, entries);
    const answer = late?.asked === undefined ? undefined : `'${late.asked}' of '${late.of}'`;
    if (this.layout.otherwise === 'throw') {
      if (answer !== undefined) throw new NonFiniteAnswerError([answer]);
      throw late === undefined ? new NonFiniteResultError(failed) : new NonFiniteGradientError([late.of]);
    }
    if (answer !== undefined) this.sayDropped(`the objective's answer is NaN or infinite: ${answer}`);
    // A gradient that came in the middle is dropped like one that came at the beginning.
    else if (late === undefined) this.sayDropped(`it would have made ${failed.join(', ')} NaN or infinite`);
    return false;
  }

  private sayDropped(why: string): void {
    if (!this.warned) warn(`a step was dropped: ${why}; \`skippedSteps\` counts them`);
    this.warned = true;
  }
}
