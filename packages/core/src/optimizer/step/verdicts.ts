import type { Floats } from '../../backend.ts';
import { NonFiniteGradientError } from '../../errors.ts';
import { warn } from '../../log.ts';
import type { Plan } from '../plans/plan.ts';
import type { Verdict } from '../plans/step-trace.ts';

/** Reads a verdict on the gradients that are present: dropped calls give false, or throw where a stage asked for that. */
export function passes({ verdicts, onlyInputs }: Plan, entries: Floats, present: ReadonlySet<string>): boolean {
  // Every step asks, and nearly every one passes.
  if (verdicts.every((_, i) => entries[i] === 1)) return true;
  const failed = verdicts.filter(({ owner }, i) => entries[i] !== 1 && (!onlyInputs || present.has(owner)));
  const thrown = failed.filter(({ otherwise }) => otherwise === 'throw').map(({ owner }) => owner);
  if (thrown.length > 0) throw new NonFiniteGradientError(thrown);
  return failed.length === 0;
}

/** Whose results would not be finite, after a program that holds them back then. */
export const failing = (verdicts: Plan['verdicts'], entries: Floats): string[] =>
  verdicts.filter((_, i) => entries[i] !== 1).map(({ owner }) => owner);

/** The first gradient that was not finite and could be seen in the middle of a step only. */
export const poisonedLate = (verdicts: Plan['verdicts'], entries: Floats): Verdict['gradient'] =>
  verdicts.find(({ gradient }, i) => gradient !== undefined && entries[i] !== 1)?.gradient;

/** Logs what is only to be logged where it does not hold, and gives the rest. */
export function refusals({ verdicts }: Plan, entries: ArrayLike<number>): string[] {
  const failed = verdicts.filter((_, i) => entries[i] !== 1);
  for (const { otherwise, message } of failed) if (otherwise === 'warn') warn(message);
  return failed.filter(({ otherwise }) => otherwise === 'throw').map(({ message }) => message);
}
