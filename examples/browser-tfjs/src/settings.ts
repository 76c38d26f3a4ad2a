/** Steps of a training where the address says nothing. */
const usualSteps = 300;
const mostSteps = 100_000;

/** What was asked for and cannot be done; the message is for the page. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** The steps that `?steps=` asks for. @throws SettingError */
export function stepsOf(search: string): number {
  const given = new URLSearchParams(search).get('steps');
  if (given === null) return usualSteps;
  const steps = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (steps >= 1 && steps <= mostSteps) return steps;
  throw new SettingError(`?steps= must be a whole number from 1 to ${mostSteps}, the address says ${JSON.stringify(given)}`);
}

/** The learning rate that was typed. @throws SettingError */
export function rateOf(typed: string): number {
  const rate = typed.trim() === '' ? Number.NaN : Number(typed);
  if (Number.isFinite(rate) && rate > 0) return rate;
  throw new SettingError(`the learning rate must be a number above 0, the field says ${JSON.stringify(typed)}`);
}
