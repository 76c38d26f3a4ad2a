import type { Context } from '../emit/context.ts';
import type { BlockPlan } from '../plan/planned.ts';
import type { Code } from '../wasm/code.ts';
import { atomics, drop, i32, i64 } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';
import { control } from './control.ts';
import { copyTasks, type Grain, stagesOf, type Tasks } from './tasks.ts';

/** Looks at what others do before a thread lies down to wait: about twenty microseconds. */
const looks = 4000;

/** Nanoseconds after which a waiting thread looks again by itself. */
const nap = 50_000_000;

/**
 * Emits the function `work(epoch, mayWait)`, which every thread calls. A run is a row of stages, each a number of tasks; `next` says which is
 * the next task that nobody has taken, `done` how many are done. A thread takes tasks of a stage until there are none, then waits until all
 * of them are done. Which thread does what is left to chance: no task depends on it. A thread that comes late, even after the run, takes
 * nothing: it finds that the epoch is another one. Gives the most tasks that a stage has.
 */
export function emitWork(context: Context, plan: BlockPlan, grain: Grain, address: number): number {
  const stages = plan.turns.filter(({ kernels }) => kernels.length > 0).flatMap((turn) => stagesOf(context, plan, turn, grain));
  if (plan.copies.length > 0) stages.push(copyTasks(context, plan));
  const [take, join] = [emitTake(context, address), emitJoin(context, address)];
  const work = context.module.func(['i32', 'i32']);
  context.module.export('work', work);
  const { code } = work;
  const task = work.local('i32');
  let begin = 0;
  code.block();
  for (const tasks of stages) {
    const count = tasks.reduce((sum, group) => sum + group.count, 0);
    const end = begin + count;
    code.loop();
    code.get(0).i32(end).call(take.index).tee(task).i32(0).op(i32.geS).if();
    dispatch(code, task, tasks, begin);
    // Whoever does the last one wakes those who lie down.
    code.i32(address).i32(1).atomic(atomics.addI32, control.done);
    code
      .i32(end - 1)
      .op(i32.eq)
      .if();
    code.i32(address).i32(0x7fffffff).atomic(atomics.notify, control.done);
    code.op(drop).end();
    code.br(1).end().end();
    code.get(0).get(1).i32(end).call(join.index).brIf(0);
    begin = end;
  }
  code.end();
  return Math.max(0, ...stages.map((tasks) => tasks.reduce((sum, { count }) => sum + count, 0)));
}

/** Calls the task in `local`; `groups` are in order and the first task is `begin`. */
function dispatch(code: Code, local: number, groups: readonly Tasks[], begin: number): void {
  const [first] = groups;
  if (first === undefined) return;
  if (groups.length === 1) {
    if (first.indexed) code.get(local).i32(begin).op(i32.sub);
    code.call(first.func.index);
    return;
  }
  const half = groups.length >> 1;
  const [low, high] = [groups.slice(0, half), groups.slice(half)];
  const middle = begin + low.reduce((sum, { count }) => sum + count, 0);
  code.get(local).i32(middle).op(i32.ltS).if();
  dispatch(code, local, low, begin);
  code.else();
  dispatch(code, local, high, middle);
  code.end();
}

/** take(epoch, end): the number of a task below `end` that nobody had taken; −1 where there is none, or the run is over. */
function emitTake({ module }: Context, address: number): Func {
  const func = module.func(['i32', 'i32'], ['i32']);
  const { code } = func;
  const word = func.local('i64');
  code.loop();
  code.i32(address).atomic(atomics.loadI64, control.next, 3);
  code.tee(word).i64(32);
  code.op(i64.shrU).op(i64.wrap).get(0).op(i32.ne).if().i32(-1).return().end();
  code.get(word).op(i64.wrap).get(1).op(i32.geS).if().i32(-1).return().end();
  code.i32(address).get(word).get(word).i64(1);
  code.op(i64.add).atomic(atomics.exchangeI64, control.next, 3);
  code.get(word).op(i64.eq).if().get(word).op(i64.wrap).return().end();
  code.br(0).end().i32(-1);
  return func;
}

/** join(epoch, mayWait, end): waits until `end` tasks are done: 0; 1 where the run is over, or a task failed. */
function emitJoin({ module }: Context, address: number): Func {
  const func = module.func(['i32', 'i32', 'i32'], ['i32']);
  const { code } = func;
  const [seen, looked] = [func.local('i32'), func.local('i32')];
  code.loop();
  code.i32(address).atomic(atomics.loadI32, control.done);
  code.tee(seen).get(2).op(i32.geS).if().i32(0).return().end();
  code.i32(address).atomic(atomics.loadI32, control.epoch);
  code.get(0).op(i32.ne).if().i32(1).return().end();
  code.i32(address).atomic(atomics.loadI32, control.failed);
  code.if().i32(1).return().end();
  code.bump(looked, 1).get(looked).i32(looks).op(i32.gtS).get(1).op(i32.and).if();
  code.i32(address).get(seen).i64(nap).atomic(atomics.waitI32, control.done);
  code.op(drop).end();
  code.br(0).end().i32(1);
  return func;
}
