import { size } from '../../program/shape.ts';
import { concat } from '../../trace/functions.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { parameterKey } from '../memory/keys.ts';
import type { DeclaredSlot } from './layout.ts';
import { slotNameOf, stageOf } from './slot-keys.ts';
import { StepSite } from './step-site.ts';
import type { StepTrace } from './step-trace.ts';

/** Whether a program has to make what a slot starts from. */
export const isMade = ({ slot: { init } }: DeclaredSlot): boolean => init === 'parameter' || (typeof init === 'object' && 'draw' in init);

/** What it starts from. */
export function startOf({ key, owner, slot }: DeclaredSlot, trace: StepTrace): Tensor {
  const { init, shape, joins } = slot;
  if (typeof init === 'object' && 'draw' in init) {
    const { draw, scale = 1 } = init;
    // By a name of its own, or a stage's draw of the same name in its first step would be the same numbers.
    return new StepSite(trace, stageOf(key)).draw(`start-${slotNameOf(key)}`, owner, draw, shape, (drawn) => drawn.mul(scale));
  }
  if (joins === undefined) return trace.input(parameterKey(owner), shape, 'working');
  return concat(Object.entries(joins).map(([name, part]) => trace.input(parameterKey(name), part, 'working').reshape([size(part)])));
}
