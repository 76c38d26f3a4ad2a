import { type Floats, isPromise, type MaybePromise, whenDone } from '../backend.ts';
import { getters } from '../records.ts';
import { evaluationKey, parameterKey } from './memory/keys.ts';
import type { Plan } from './plans/plan.ts';

/**
 * What a model is judged with, by name, once `ran` has computed it: a buffer of its own where a stage judges something else than the
 * parameter, such as an average, else the parameter itself.
 */
export function evaluation(
  names: readonly string[],
  ran: MaybePromise<Plan>,
  read: (key: string) => MaybePromise<Floats>,
): Readonly<Record<string, MaybePromise<Floats>>> {
  // A failure is that of whoever reads a value.
  if (isPromise(ran)) ran.catch(() => undefined);
  return getters(names, (name) => {
    const key = parameterKey(name);
    return whenDone(ran, ({ program }) => {
      const own = program?.outputs.some((output) => output.key === evaluationKey(key)) === true;
      return read(own ? evaluationKey(key) : key);
    });
  });
}
