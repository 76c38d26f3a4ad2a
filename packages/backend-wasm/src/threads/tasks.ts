import { pushAll } from '../emit/addresses.ts';
import { emitKernel } from '../emit/block.ts';
import { emitFactorization, emitProduct, productShape, type Window } from '../emit/call.ts';
import type { Context } from '../emit/context.ts';
import { Expressions } from '../emit/expression.ts';
import { importKernel } from '../emit/kernel-imports.ts';
import { emitNest } from '../emit/loop.ts';
import { fillFirst, gathersInMemory } from '../emit/reduction.ts';
import { type Body, type Root, rewalked } from '../plan/body.ts';
import type { CallWork, Kernel, LoopWork } from '../plan/fusion.ts';
import type { BlockPlan, Turn } from '../plan/planned.ts';
import type { Region } from '../plan/region.ts';
import { tiled } from '../plan/tiling.ts';
import { bytesOf, operand, type Value } from '../plan/values.ts';
import { i32 } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';
import { costOf } from './cost.ts';
import { gridOf, rowsOf, window } from './windows.ts';

/** How fine work is cut. None of it changes a bit of what comes out. */
export interface Grain {
  readonly threads: number;
  /** Nanoseconds of estimated work from which a program is for several threads. */
  readonly least: number;
  /** Nanoseconds of estimated work of a task. */
  readonly task: number;
}

/** `count` tasks: the function, called with 0 … count − 1 where it takes an argument. */
export interface Tasks {
  readonly count: number;
  readonly func: Func;
  readonly indexed: boolean;
  /** Of one of them. */
  readonly cost: number;
}

/** The stages of a turn: tasks that need nothing of each other, what takes longest first. */
export function stagesOf(
  context: Context,
  plan: BlockPlan,
  { kernels, together = false }: Turn,
  grain: Grain,
): readonly (readonly Tasks[])[] {
  if (!together) return [[inOrder(context, plan, kernels, 0)]];
  const cleared: Root[] = [];
  const all: Tasks[] = [];
  let small: Kernel[] = [];
  let cost = 0;
  const close = (): void => {
    if (small.length > 0) all.push(inOrder(context, plan, small, cost));
    small = [];
    cost = 0;
  };
  for (const kernel of kernels) {
    const split = costOf(kernel) >= 2 * grain.task ? splitOf(context, plan, kernel, grain, cleared) : [];
    if (split.length > 0) {
      all.push(...split);
      continue;
    }
    if (cost + costOf(kernel) > grain.task) close();
    small.push(kernel);
    cost += costOf(kernel);
  }
  close();
  all.sort((a, b) => b.cost - a.cost);
  return cleared.length === 0 ? [all] : [[clearing(context, plan, cleared)], all];
}

/** One task: what several threads gather into is empty. */
function clearing(context: Context, plan: BlockPlan, roots: readonly Root[]): Tasks {
  const func = context.module.func();
  for (const root of roots) {
    const expressions = new Expressions(context, func, (value) => plan.home(value));
    fillFirst({ root }, expressions);
    func.code.append(expressions.before);
  }
  return { count: 1, func, indexed: false, cost: 0 };
}

/** The copies that end a block. */
export function copyTasks(context: Context, { copies }: BlockPlan): readonly Tasks[] {
  const piece = 1 << 18;
  return copies.flatMap(({ from, to }) => {
    const { bytes } = from;
    const count = Math.floor(bytes / piece);
    const rest = bytes - count * piece;
    const tasks: Tasks[] = [];
    if (count > 0) {
      const func = context.module.func(['i32']);
      for (const region of [to, from]) {
        pushAll(func.code, [region]);
        func.code.get(0).i32(piece).op(i32.mul).op(i32.add);
      }
      func.code.i32(piece).copy();
      tasks.push({ count, func, indexed: true, cost: piece / 10 });
    }
    if (rest > 0) {
      const func = context.module.func();
      pushAll(func.code, [to.part(count * piece, rest), from.part(count * piece, rest), rest]);
      func.code.copy();
      tasks.push({ count: 1, func, indexed: false, cost: rest / 10 });
    }
    return tasks;
  });
}

/** One task: kernels one after the other. */
function inOrder(context: Context, plan: BlockPlan, kernels: readonly Kernel[], cost: number): Tasks {
  const func = context.module.func();
  for (const kernel of kernels) emitKernel(context, func, plan, kernel);
  return { count: 1, func, indexed: false, cost };
}

/** A kernel in parts; none where it is one. */
function splitOf(context: Context, plan: BlockPlan, kernel: Kernel, grain: Grain, cleared: Root[]): readonly Tasks[] {
  const { work } = kernel;
  if (work.kind === 'loop') return loopTasks(context, plan, work, costOf(kernel), grain, cleared);
  if (work.kind === 'call' && work.value.size > 0) return callTasks(context, plan, kernel, work, grain);
  return [];
}

/**
 * Ranges of the outermost loop. A sum or maximum is never cut: what it runs over, it runs over in the order of one thread. Whether any
 * element is not finite is the same in any order; `cleared` is told where that is gathered by several.
 */
function loopTasks(
  context: Context,
  plan: BlockPlan,
  { roots, body }: LoopWork,
  cost: number,
  grain: Grain,
  cleared: Root[],
): readonly Tasks[] {
  const nest = tiled(body);
  const [rounds, ...inner] = nest.loops;
  const gathered = nest.roots.filter(({ view: { steps } }) => (steps[0] ?? 0) === 0).map(({ root }) => root);
  const apart = nest.roots.every(({ root, view: { steps } }) => root.kind === 'store' || !gathersInMemory(steps));
  const anyOrder = gathered.every(({ into }) => into.operation.op === 'poison' && into.size === 1 && !readsOld(plan, body, into));
  if (rounds === undefined || !apart || !anyOrder) return [];
  // Along a single loop tasks start where vectors do, several of them at a time.
  const unit = inner.length === 0 ? 64 : 1;
  const each = Math.ceil(rounds / unit / Math.ceil(cost / grain.task)) * unit;
  const count = Math.floor(rounds / each);
  if (count < 2) return [];
  const home = (value: Value): Region => plan.home(value);
  cleared.push(...gathered);
  const func = context.module.func(['i32']);
  emitNest(context, func, roots, { ...nest, loops: [each, ...inner] }, home, true, { index: 0, rounds: each });
  const share = (cost * each) / rounds;
  const tasks: Tasks[] = [{ count, func, indexed: true, cost: share }];
  const rest = rounds - count * each;
  if (rest > 0) {
    const last = context.module.func();
    emitNest(context, last, roots, { ...from(nest, count * each), loops: [rest, ...inner] }, home, true);
    tasks.push({ count: 1, func: last, indexed: false, cost: (cost * rest) / rounds });
  }
  return tasks;
}

/** Whether a nest reads what lay where its result goes. */
const readsOld = (plan: BlockPlan, { reads }: Body, into: Value): boolean =>
  [...reads].some((value) => plan.home(value).owner === plan.home(into).owner);

/** The same nest begun at a later round of its outermost loop. */
const from = (nest: Body, round: number): Body =>
  rewalked(nest, ({ offset, steps }) => ({ offset: offset + round * (steps[0] ?? 0), steps }));

function callTasks(context: Context, plan: BlockPlan, kernel: Kernel, work: CallWork, grain: Grain): readonly Tasks[] {
  const { operation } = work.value;
  switch (operation.op) {
    case 'matmul':
      return productTasks(context, plan, kernel, work, operation, grain);
    case 'eigh':
    case 'orthonormalize':
    case 'cholesky':
    case 'solveTriangular': {
      const source = operand(work.value, 0);
      const [rows = 1, columns = 1] = source.shape.slice(-2);
      const matrices = source.size / Math.max(1, rows * columns);
      if (matrices < 2) return [];
      return batches(matrices, costOf(kernel), grain).map((batch) => {
        const func = context.module.func();
        emitFactorization(context, func, work, plan, plan.scratch(kernel), batch);
        return { count: 1, func, indexed: false, cost: (costOf(kernel) * (batch[1] - batch[0])) / matrices };
      });
    }
    default:
      return [];
  }
}

function productTasks(
  context: Context,
  plan: BlockPlan,
  kernel: Kernel,
  work: CallWork,
  operation: { readonly transposeA: boolean; readonly transposeB: boolean },
  grain: Grain,
): readonly Tasks[] {
  const { value } = work;
  const shape = productShape(work, operation.transposeA);
  const cost = costOf(kernel);
  const emitted = (share: number, ...windows: readonly Window[]): Tasks => {
    const func = context.module.func();
    emitProduct(context, func, kernel, work, plan, operation, windows);
    return { count: 1, func, indexed: false, cost: cost * share };
  };
  // What is added is copied first where it lies elsewhere: one thread does that.
  if (value.inputs.length > 3 && !samePlace(plan.place(operand(value, 3)), plan.home(value))) return [];
  const { matrices, m, n } = shape;
  const all = { rows: [0, m], columns: [0, n], symmetric: value.symmetric } as const;
  if (matrices > 1) return batches(matrices, cost, grain).map((batch) => emitted((batch[1] - batch[0]) / matrices, { ...all, batch }));
  if (m === 1 || n === 1 || grain.threads < 2) return [];
  if (!value.symmetric) {
    const grid = gridOf(shape, grain.threads);
    return grid.length < 2 ? [] : grid.map((block) => emitted(1 / grid.length, block));
  }
  const blocks = rowsOf(shape, grain.threads);
  if (blocks.length < 2) return [];
  const z = bytesOf[value.type];
  const line = n * z;
  return blocks.map(([start, end]) => {
    const onDiagonal = window([start, end], [start, end], true);
    const task = emitted((end ** 2 - start ** 2) / n ** 2, onDiagonal, ...(start > 0 ? [window([start, end], [0, start], false)] : []));
    if (start > 0) {
      // What lies left of the diagonal, mirrored.
      const { code } = task.func;
      const home = plan.home(value);
      pushAll(code, [z, end - start, end - start, start, home.part(start * line, 0), line, home.part(start * z, 0), line]);
      code.call(importKernel(context.module, 'mirror'));
    }
    return task;
  });
}

/** Matrices of a batch in stretches, each worth a task. */
function batches(count: number, cost: number, grain: Grain): readonly (readonly [from: number, end: number])[] {
  const each = Math.max(Math.ceil(count / (4 * grain.threads)), Math.ceil((count * grain.task) / cost));
  return Array.from({ length: Math.ceil(count / each) }, (_, i) => [i * each, Math.min(count, (i + 1) * each)]);
}

const samePlace = (a: Region, b: Region): boolean => a.address === b.address && a.base === b.base;
