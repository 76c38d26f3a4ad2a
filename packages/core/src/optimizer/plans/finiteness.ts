import { inputKey, sameTensor } from '../../trace/emit.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Tensors } from '../../transform/transform.ts';
import { gradientKey } from '../memory/keys.ts';
import type { StepTrace } from './step-trace.ts';

/** 1 where all elements are finite, written down for an owner. */
type Look = (owner: string, tensor: Tensor) => Tensor;

/** The call is dropped, or thrown, where one of these is not finite: what a check says. */
export function demandFinite(trace: StepTrace, tensors: Tensors, otherwise: 'skip' | 'throw', look: Look): void {
  for (const [owner, tensor] of Object.entries(tensors)) {
    if (inputKey(tensor) === undefined) trace.onlyInputs = false;
    // What an answer made is looked at when the answer is there.
    if (trace.evaluations.isBehind(tensor)) continue;
    trace.verdicts.push({ owner, passed: look(owner, tensor), otherwise, message: '' });
  }
}

/** In a step these are finite: the host looked at them, or the device does now and holds everything back that is not. */
export function supposeFinite(trace: StepTrace, tensors: Tensors, look: Look): void {
  for (const [owner, tensor] of Object.entries(tensors)) {
    const masked = trace.masked.get(owner);
    const key = inputKey(tensor) ?? (masked !== undefined && sameTensor(tensor, masked) ? gradientKey(owner) : undefined);
    if (key !== undefined) trace.finite.add(key);
    const behind = trace.evaluations.isBehind(tensor);
    if (!trace.decides && !behind) continue;
    const passed = look(owner, tensor);
    trace.conditions.push(passed);
    if (behind) trace.notice(owner, passed);
  }
}
