import { broadcastStrides, type Shape, size, strides } from '@opt/core';
import { found } from '../plan/found.ts';
import type { CallWork, Kernel } from '../plan/fusion.ts';
import type { BlockPlan } from '../plan/planned.ts';
import type { Region } from '../plan/region.ts';
import { bytesOf, operand } from '../plan/values.ts';
import { drop } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';
import { pushAll } from './addresses.ts';
import type { Context } from './context.ts';
import { emitGather } from './gather.ts';
import { importKernel } from './kernel-imports.ts';
import { emitScalar } from './loop.ts';

/** Emits a kernel that is one call, or one for each matrix of a batch. */
export function emitCall(context: Context, func: Func, kernel: Kernel, work: CallWork, plan: BlockPlan): void {
  const { value, factors } = work;
  if (value.size === 0) return;
  switch (value.operation.op) {
    case 'matmul':
      emitProduct(context, func, kernel, work, plan, value.operation);
      break;
    case 'gather':
      emitGather(func, value, value.operation.axis, (of) => plan.place(of));
      break;
    case 'argsort': {
      const lines = operand(value, 0);
      const n = value.shape.at(-1) ?? 1;
      pushAll(func.code, [bytesOf[lines.type], value.size / n, n, plan.place(lines), plan.home(value), plan.scratch(kernel)]);
      func.code.call(importKernel(context.module, 'argsort'));
      break;
    }
    case 'random': {
      const { seed, stream, distribution } = value.operation;
      const call = emitScalar(context, func, found(factors[0], 'a call number'), 'f64', (of) => plan.home(of));
      pushAll(func.code, [bytesOf[value.type], plan.home(value), value.size]);
      pushAll(func.code.get(call), [seed, stream, distributions[distribution]]);
      func.code.call(importKernel(context.module, 'random'));
      break;
    }
    default:
      emitFactorization(context, func, work, plan, plan.scratch(kernel));
  }
}

const distributions = { uniform: 0, normal: 1, rademacher: 2 } as const;

/** A matrix factorisation, one call a matrix, of all of a batch or of those from one to before another. */
export function emitFactorization(
  { module }: Context,
  { code }: Func,
  { value }: CallWork,
  plan: BlockPlan,
  scratch: Region,
  [from, end]: readonly [number, number] = [0, Number.POSITIVE_INFINITY],
): void {
  const { operation, type } = value;
  const source = operand(value, 0);
  const [rows = 1, columns = 1] = source.shape.slice(-2);
  const z = bytesOf[type];
  const line = columns * z;
  const matrix = rows * line;
  const batches = size(source.shape) / Math.max(1, rows * columns);
  const to = plan.home(value);
  for (let batch = from; batch < Math.min(end, batches); batch++) {
    const input = plan.place(source).part(batch * matrix, 0);
    const output = to.part(batch * matrix, 0);
    switch (operation.op) {
      case 'eigh':
        pushAll(code, [z, rows, input, line, to.part(batch * line, 0), to.part(batches * line + batch * matrix, 0), line, scratch]);
        code.call(importKernel(module, 'eigh')).op(drop);
        break;
      case 'orthonormalize':
        pushAll(code, [z, rows, columns, input, line, output, line, 0, 0, operation.deficient === 'complete' ? 1 : 0]);
        pushAll(code.f64(operation.tolerance), [scratch]);
        code.call(importKernel(module, 'orthonormalize')).op(drop);
        break;
      case 'cholesky':
        pushAll(code, [z, rows, input, line, output, line, scratch]);
        code.call(importKernel(module, 'cholesky')).op(drop);
        break;
      case 'solveTriangular': {
        const right = operand(value, 1);
        const width = right.shape.at(-1) ?? 1;
        const side = batch * rows * width * z;
        const [given, solution] = [plan.place(right).part(side, 0), to.part(side, 0)];
        pushAll(code, [z, rows, width, input, line, operation.transpose ? 1 : 0, given, width * z, solution, width * z, scratch]);
        code.call(importKernel(module, 'solveTriangular'));
      }
    }
  }
}

/** A part of a batch of products: matrices from … end − 1, and of each a block of rows and columns, of all or of what lies on and below the diagonal. */
export interface Window {
  readonly batch: readonly [from: number, end: number];
  readonly rows: readonly [from: number, end: number];
  readonly columns: readonly [from: number, end: number];
  readonly symmetric: boolean;
}

/** Operands of a product in memory, in elements where not said otherwise. */
export interface ProductShape {
  readonly matrices: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export function productShape({ value }: CallWork, transposeA: boolean): ProductShape {
  const [m = 1, n = 1] = value.shape.slice(-2);
  return { matrices: size(value.shape.slice(0, -2)), m, n, k: operand(value, 0).shape.at(transposeA ? -2 : -1) ?? 1 };
}

/** α·op(a)·op(b) + β·c, or windows of it one after the other; β·c then lies where the result goes. */
export function emitProduct(
  context: Context,
  func: Func,
  kernel: Kernel,
  work: CallWork,
  plan: BlockPlan,
  { transposeA, transposeB }: { readonly transposeA: boolean; readonly transposeB: boolean },
  windows?: readonly Window[],
): void {
  const { code } = func;
  const { value, factors } = work;
  const { type, shape, symmetric } = value;
  const [a, b] = [operand(value, 0), operand(value, 1)];
  const [placeA, placeB, result] = [plan.place(a), plan.place(b), plan.home(value)];
  const z = bytesOf[type];
  const scalar = (position: number): number =>
    emitScalar(context, func, found(factors[position], `factor ${position}`), 'f64', (of) => plan.home(of));
  const alpha = scalar(2);
  const beta = value.inputs.length > 3 ? scalar(4) : undefined;
  if (beta !== undefined && windows === undefined) emitCopy(func, plan.place(operand(value, 3)), result, value.size * z);
  const { matrices, m, n, k } = productShape(work, transposeA);
  const [lda, ldb] = [(a.shape.at(-1) ?? 1) * z, (b.shape.at(-1) ?? 1) * z];
  const [flagA, flagB] = [transposeA ? 1 : 0, transposeB ? 1 : 0];
  const batch = shape.slice(0, -2);
  const matrix = m * n * z;
  const scratch = plan.scratch(kernel);
  const [stepsA, stepsB] = [batchSteps(a.shape, batch), batchSteps(b.shape, batch)];
  const push = (first: number, count: number, { rows: [row, rowEnd], columns: [column, columnEnd], symmetric: half }: Window): void => {
    const fromA = (stepsA.starts[first] ?? 0) * z + row * (transposeA ? z : lda);
    const fromB = (stepsB.starts[first] ?? 0) * z + column * (transposeB ? ldb : z);
    pushAll(code, [z, count, rowEnd - row, columnEnd - column, k]);
    pushAll(code.get(alpha), [placeA.part(fromA, 0), lda, (stepsA.even ?? 0) * z, flagA]);
    pushAll(code, [placeB.part(fromB, 0), ldb, (stepsB.even ?? 0) * z, flagB]);
    if (beta === undefined) code.f64(0);
    else code.get(beta);
    pushAll(code, [result.part(first * matrix + (row * n + column) * z, 0), n * z, matrix, half ? 1 : 0, scratch]);
    code.call(importKernel(context.module, 'matmul'));
  };
  for (const window of windows ?? [{ batch: [0, matrices], rows: [0, m], columns: [0, n], symmetric }]) {
    const [from, end] = window.batch;
    if (stepsA.even !== undefined && stepsB.even !== undefined) push(from, end - from, window);
    else for (let i = from; i < end; i++) push(i, 1, window);
  }
}

/** Where each matrix of a batch starts in an operand; `even` is the step where they follow one another, or are all the same. */
function batchSteps(shape: Shape, batch: Shape): { readonly starts: readonly number[]; readonly even: number | undefined } {
  const matrix = size(shape.slice(-2));
  const steps = broadcastStrides(shape.slice(0, -2), batch);
  const walk = strides(batch);
  const starts = Array.from({ length: size(batch) }, (_, i) =>
    batch.reduce((sum, n, axis) => sum + (Math.floor(i / (walk[axis] ?? 1)) % n) * (steps[axis] ?? 0) * matrix, 0),
  );
  const step = starts[1] ?? 0;
  return { starts, even: starts.every((start, i) => start === i * step) ? step : undefined };
}

/** Copies bytes, unless they are there already. */
export function emitCopy({ code }: Pick<Func, 'code'>, from: Region, to: Region, bytes: number): void {
  if (bytes === 0 || (from.address === to.address && from.arena === to.arena)) return;
  pushAll(code, [to, from, bytes]);
  code.copy();
}
