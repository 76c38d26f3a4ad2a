import type { MaybePromise } from '../../backend.ts';
import { StepInterrupted } from '../../errors.ts';
import { attempt } from '../memory/turns.ts';

/** What broke off with parameters half written; then only `load` helps. */
export class Interruption {
  private cause: StepInterrupted | undefined;

  /** Does what may break off. */
  within<T>(run: () => MaybePromise<T>): MaybePromise<T> {
    return attempt(run, (error) => {
      if (error instanceof StepInterrupted) this.cause = error;
      throw error;
    });
  }

  /** Everything was written anew. */
  over(): void {
    this.cause = undefined;
  }

  /** @throws StepInterrupted where something broke off. */
  refuse(what: string): void {
    if (this.cause !== undefined)
      throw new StepInterrupted(`${what}: an earlier step was interrupted; load a checkpoint first`, { cause: this.cause });
  }
}
