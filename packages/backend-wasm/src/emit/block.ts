import type { BlockPlan } from '../plan/block-plan.ts';
import type { Kernel } from '../plan/fusion.ts';
import type { Region } from '../plan/region.ts';
import { bytesOf, operand } from '../plan/values.ts';
import type { Code } from '../wasm/code.ts';
import { loads, scalars } from '../wasm/instructions.ts';
import { pushAddress } from './addresses.ts';
import { emitCall, emitCopy } from './call.ts';
import type { Context } from './context.ts';
import { emitLoop } from './loop.ts';

/** Emits a function for every kernel of a block, and into `code` the calls that run them in order. */
export function emitBlock(context: Context, code: Code, plan: BlockPlan, counter: () => number): void {
  for (const kernel of plan.order) emitKernel(context, code, plan, kernel, counter);
  for (const { from, to } of plan.copies) copyBytes(code, from, to, from.bytes);
}

function copyBytes(code: Code, from: Region, to: Region, bytes: number): void {
  if (bytes === 0) return;
  pushAddress(code, to);
  pushAddress(code, from);
  code.i32(bytes).copy();
}

function emitKernel(context: Context, code: Code, plan: BlockPlan, kernel: Kernel, counter: () => number): void {
  const { work } = kernel;
  if (work.kind === 'call' && work.value.operation.op === 'repeat') {
    emitRepeat(context, code, plan, kernel, counter);
    return;
  }
  const func = context.module.func();
  if (work.kind === 'loop') emitLoop(context, func, work.roots, work.body, (value) => plan.home(value));
  else if (work.kind === 'call') emitCall(context, func, kernel, plan);
  else emitCopy(func, plan.place(operand(work.value, 0)), plan.home(work.value), work.value.size * bytesOf[work.value.type]);
  code.call(func.index);
}

/** The loop: carry ← start, then rounds until the count is reached or `until` gives something other than 0. */
function emitRepeat(context: Context, code: Code, plan: BlockPlan, kernel: Kernel, counter: () => number): void {
  if (kernel.work.kind !== 'call' || kernel.work.value.operation.op !== 'repeat') return;
  const { value } = kernel.work;
  const { times } = kernel.work.value.operation;
  const { carry, body, until, flag } = plan.loop(value);
  carry.forEach((region, i) => {
    copyBytes(code, plan.place(operand(value, i)), region, region.bytes);
  });
  if (times <= 0) return;
  const rounds = counter();
  code.i32(times).set(rounds).block().loop();
  if (until !== undefined) {
    emitBlock(context, code, until, counter);
    pushAddress(code, flag);
    code.memory(loads.f32, 0).f32(0).op(scalars.f32.ne).brIf(1);
  }
  emitBlock(context, code, body, counter);
  code.bump(rounds, -1).get(rounds).brIf(0).end().end();
}
