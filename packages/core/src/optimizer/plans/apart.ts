import { isJointKey, metricsKey, parameterKey } from '../memory/keys.ts';
import { ownerOf } from './layout.ts';
import type { Plan } from './plan.ts';

/**
 * Whether plans of single parameters together do what one plan for all would: each writes what is its parameter's, reads of what is computed
 * for all only what `joint` gives, and none can fail, or come late, alone.
 */
export function areApart(owners: readonly string[], plans: readonly Plan[], joint: Plan | undefined): boolean {
  const given = new Set(joint?.program?.outputs.map(({ key }) => key));
  const whole = ({ sound, fed, taken, deferred }: Plan): boolean =>
    sound?.proved === true && fed.length === 0 && taken.length === 0 && deferred === undefined;
  const own = ({ program }: Plan, owner: string): boolean =>
    program === undefined ||
    (program.outputs.every(({ key }) => key === metricsKey || key === parameterKey(owner) || ownerOf(key) === owner) &&
      program.inputs.every(({ key }) => !isJointKey(key) || given.has(key)));
  return (joint === undefined || whole(joint)) && plans.every((plan, i) => whole(plan) && own(plan, owners[i] ?? ''));
}
