import type { Shape } from '../../program/shape.ts';
import { mapValues } from '../../records.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { isJointKey, jointKey, metricsKey, parameterKey } from '../memory/keys.ts';
import type { Plan } from './plan.ts';
import { ownerOf } from './slot-keys.ts';
import type { StepTrace } from './step-trace.ts';

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

/**
 * Whether a stage steps something of a parameter that is stepped apart and has no gradient in this call: where another one of these `names` has,
 * or where it waits since an earlier call, by the counter of one of the stages in `late`.
 */
export function isReachedLate({ alone, counters, questions }: StepTrace, names: readonly string[], late: readonly string[]): boolean {
  if (alone === undefined) return false;
  const ask = (present: ReadonlySet<string>): string =>
    names.some((name) => present.has(name) || late.some((path) => counters.value(`${path}:${name}`) > 0)) ? 'some' : 'none';
  const answer = ask(alone.present);
  questions.push({ about: 'call', ask, answer, label: '' });
  return answer === 'some';
}

/**
 * What a stage at `path` needs of all parameters: computed here in a step of all of them, read in a step of one, and written, for those steps to
 * read, in the pass before them, which goes no further: undefined.
 */
export function jointly<K extends string>(
  trace: StepTrace,
  path: string,
  name: string,
  shapes: Readonly<Record<K, Shape>>,
  compute: () => Readonly<Record<K, Tensor>>,
): Readonly<Record<K, Tensor>> | undefined {
  if (trace.alone !== undefined)
    return mapValues<K, Shape, Tensor>(shapes, (shape, of) => trace.input(jointKey(path, name, of), shape, 'working'));
  const values = compute();
  if (trace.pass !== 'joint') return values;
  for (const [of, value] of Object.entries<Tensor>(values)) trace.joint.push({ key: jointKey(path, name, of), value });
  return undefined;
}
