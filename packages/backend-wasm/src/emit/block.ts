import type { CallWork, Kernel } from '../plan/fusion.ts';
import type { BlockPlan } from '../plan/planned.ts';
import { bytesOf, operand } from '../plan/values.ts';
import { loads, scalars } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';
import { pushAddress } from './addresses.ts';
import { emitCall, emitCopy } from './call.ts';
import type { Context } from './context.ts';
import { emitLoop } from './loop.ts';

/**
 * Emits a function for every kernel of a block, and into `run` the calls that run them in order. Behind kernels that are handed to
 * somebody else, the calls go on in what `next` gives.
 */
export function emitBlock(context: Context, run: Func, plan: BlockPlan, next: () => Func = () => run): void {
  let here = run;
  for (const { kernels, handed } of plan.turns) {
    if (handed) here = next();
    else for (const kernel of kernels) emitKernel(context, here, plan, kernel);
  }
  for (const { from, to } of plan.copies) emitCopy(here, from, to, from.bytes);
}

/** Emits a kernel, and into `run` what runs it. */
export function emitKernel(context: Context, run: Func, plan: BlockPlan, kernel: Kernel): void {
  const { work } = kernel;
  if (work.kind === 'copy') {
    const { value } = work;
    emitCopy(run, plan.place(operand(value, 0)), plan.home(value), value.size * bytesOf[value.type]);
  } else if (work.kind === 'call' && work.value.operation.op === 'repeat') emitRepeat(context, run, plan, work, work.value.operation.times);
  else {
    const func = context.module.func();
    if (work.kind === 'loop') emitLoop(context, func, work.roots, work.body, (value) => plan.home(value));
    else emitCall(context, func, kernel, work, plan);
    run.code.call(func.index);
  }
}

/** The loop: carry ← start, then rounds until the count is reached or `until` gives something other than 0. */
function emitRepeat(context: Context, run: Func, plan: BlockPlan, { value }: CallWork, times: number): void {
  const { code } = run;
  const { carry, body, until, flag } = plan.loop(value);
  for (const [i, region] of carry.entries()) emitCopy(run, plan.place(operand(value, i)), region, region.bytes);
  if (times <= 0) return;
  const rounds = run.local('i32');
  code.i32(times).set(rounds).block().loop();
  if (until !== undefined) {
    emitBlock(context, run, until);
    pushAddress(code, flag);
    code.memory(loads.f32, 0).f32(0).op(scalars.f32.ne).brIf(1);
  }
  emitBlock(context, run, body);
  code.bump(rounds, -1).get(rounds).brIf(0).end().end();
}
