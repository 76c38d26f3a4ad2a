import { own, required } from '../../records.ts';
import { sameTensor } from '../../trace/emit.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { TracedOutput } from '../../trace/trace.ts';
import { parameterKey } from '../memory/keys.ts';
import { stored } from './deferred.ts';
import type { StepTrace } from './step-trace.ts';

/** The parameters that are not what they were. */
export function movedParameters(before: Readonly<Record<string, Tensor>>, after: Readonly<Record<string, Tensor>>): TracedOutput[] {
  return Object.entries(after)
    .filter(([name, value]) => {
      const old = own(before, name);
      return old !== undefined && !sameTensor(value, old);
    })
    .map(([name, value]) => ({ key: parameterKey(name), value, donates: parameterKey(name) }));
}

/** The slots that were set to something else than they held. */
export const changedSlots = (trace: StepTrace): TracedOutput[] =>
  [...trace.slots].filter(([key, value]) => !trace.unchanged(key, value)).flatMap(([key, value]) => trace.stored(key, value));

/** What deferred computations are to read. */
export const handedOver = (trace: StepTrace): TracedOutput[] =>
  [...trace.requests.values()].flatMap(({ deferred, given }) =>
    deferred.inputs.map(({ name, key }) => ({ key, value: stored(required(given, name, 'input')) })),
  );
