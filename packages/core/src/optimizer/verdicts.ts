import type { Floats } from '../backend.ts';
import { NonFiniteGradientError } from '../errors.ts';
import { warn } from '../log.ts';
import type { Plan } from './planner.ts';

/** Reads a verdict: dropped calls give false, or throw where a stage asked for that. */
export function passes({ verdicts }: Plan, entries: Floats): boolean {
  const failed = verdicts.filter((_, i) => entries[i] !== 1);
  const thrown = failed.filter(({ otherwise }) => otherwise === 'throw').map(({ owner }) => owner);
  if (thrown.length > 0) throw new NonFiniteGradientError(thrown);
  return failed.length === 0;
}

/** Logs what is only to be logged where it does not hold, and gives the rest. */
export function refusals({ verdicts }: Plan, entries: ArrayLike<number>): string[] {
  const failed = verdicts.filter((_, i) => entries[i] !== 1);
  for (const { otherwise, message } of failed) if (otherwise === 'warn') warn(message);
  return failed.filter(({ otherwise }) => otherwise === 'throw').map(({ message }) => message);
}
