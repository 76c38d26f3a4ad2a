import { BackendError, broadcastStrides, type Shape, size, strides } from '@opt/core';
import type { BlockPlan } from '../plan/block-plan.ts';
import type { Kernel } from '../plan/fusion.ts';
import type { Region } from '../plan/region.ts';
import { bytesOf, operand, type Type, type Value } from '../plan/values.ts';
import type { Code } from '../wasm/code.ts';
import { drop } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';
import { pushAddress } from './addresses.ts';
import { emitArgsort } from './argsort.ts';
import type { Context } from './context.ts';
import { emitGather } from './gather.ts';
import { importKernel, type KernelName } from './kernel-imports.ts';
import { emitScalar } from './loop.ts';
import { emitRandom } from './random.ts';

/** Emits a kernel that is one call, or one for each matrix of a batch. */
export function emitCall(context: Context, func: Func, kernel: Kernel, plan: BlockPlan): void {
  if (kernel.work.kind !== 'call') throw new BackendError('wasm: a loop is no call');
  const { value } = kernel.work;
  if (value.size === 0) return;
  switch (value.operation.op) {
    case 'matmul':
      new Product(context, func, kernel, plan, value).emit(value.operation.transposeA, value.operation.transposeB);
      return;
    case 'gather':
      emitGather(func, value, value.operation.axis, (of) => plan.place(of));
      return;
    case 'argsort':
      emitArgsort(context, func, value, plan.place(operand(value, 0)), plan.home(value), scratchOf(plan, kernel));
      return;
    case 'random': {
      const factor = kernel.work.factors[0];
      if (factor === undefined) throw new BackendError('wasm: a draw lacks its call number');
      const call = emitScalar(context, func, factor, 'f64', (of) => plan.home(of));
      emitRandom(context, func, value, call, plan.home(value));
      return;
    }
    default:
      emitFactorization(context, func, kernel, value, plan);
      return;
  }
}

const scratchOf = (plan: BlockPlan, kernel: Kernel): Region | undefined => plan.scratch(kernel);

function pushOptional(code: Code, region: Region | undefined): void {
  if (region === undefined) code.i32(0);
  else pushAddress(code, region);
}

/** A matrix factorisation, one call a matrix. */
function emitFactorization(context: Context, func: Func, kernel: Kernel, value: Value, plan: BlockPlan): void {
  const { operation, type } = value;
  const { code } = func;
  const source = operand(value, 0);
  const [rows = 1, columns = 1] = source.shape.slice(-2);
  const batches = size(source.shape) / Math.max(1, rows * columns);
  const scratch = scratchOf(plan, kernel);
  const bytes = bytesOf[type];
  const from = plan.place(source);
  const to = plan.home(value);
  const call = (name: KernelName): void => {
    code.call(importKernel(context.module, name, type));
  };
  for (let batch = 0; batch < batches; batch++) {
    const start = batch * rows * columns * bytes;
    const input = from.part(start, 0);
    switch (operation.op) {
      case 'eigh':
        code.i32(rows);
        pushAddress(code, input);
        code.i32(rows);
        pushAddress(code, to.part(batch * rows * bytes, 0));
        pushAddress(code, to.part(batches * rows * bytes + start, 0));
        code.i32(rows);
        pushOptional(code, scratch);
        call('eigh');
        code.op(drop);
        break;
      case 'orthonormalize':
        code.i32(rows).i32(columns);
        pushAddress(code, input);
        code.i32(columns);
        pushAddress(code, to.part(start, 0));
        code
          .i32(columns)
          .i32(0)
          .i32(0)
          .i32(operation.deficient === 'complete' ? 1 : 0)
          .f64(operation.tolerance);
        pushOptional(code, scratch);
        call('orthonormalize');
        code.op(drop);
        break;
      case 'cholesky':
        code.i32(rows);
        pushAddress(code, input);
        code.i32(rows);
        pushAddress(code, to.part(start, 0));
        code.i32(rows);
        pushOptional(code, scratch);
        call('cholesky');
        code.op(drop);
        break;
      case 'solveTriangular': {
        const right = operand(value, 1);
        const width = right.shape.at(-1) ?? 1;
        const side = batch * rows * width * bytes;
        code.i32(rows).i32(width);
        pushAddress(code, input);
        code.i32(rows).i32(operation.transpose ? 1 : 0);
        pushAddress(code, plan.place(right).part(side, 0));
        code.i32(width);
        pushAddress(code, to.part(side, 0));
        code.i32(width);
        pushOptional(code, scratch);
        call('solveTriangular');
        break;
      }
      default:
        throw new BackendError(`wasm: no kernel for '${operation.op}'`);
    }
  }
}

/** α·op(a)·op(b) + β·c. */
class Product {
  private readonly context: Context;
  private readonly func: Func;
  private readonly kernel: Kernel;
  private readonly plan: BlockPlan;
  private readonly value: Value;

  constructor(context: Context, func: Func, kernel: Kernel, plan: BlockPlan, value: Value) {
    this.context = context;
    this.func = func;
    this.kernel = kernel;
    this.plan = plan;
    this.value = value;
  }

  emit(transposeA: boolean, transposeB: boolean): void {
    const { value, plan, func } = this;
    const { code } = func;
    const { type, shape } = value;
    const [a, b] = [operand(value, 0), operand(value, 1)];
    const result = plan.home(value);
    const alpha = this.factor(2, type);
    const beta = value.inputs.length > 3 ? this.factor(4, type) : undefined;
    if (beta !== undefined) {
      const added = plan.place(operand(value, 3));
      if (added.address !== result.address || added.arena !== result.arena) {
        pushAddress(code, result);
        pushAddress(code, added);
        code.i32(value.size * bytesOf[type]).copy();
      }
    }
    const [m = 1, n = 1] = shape.slice(-2);
    const k = a.shape.at(transposeA ? -2 : -1) ?? 1;
    const [lda, ldb] = [a.shape.at(-1) ?? 1, b.shape.at(-1) ?? 1];
    const scale = (): void => {
      if (beta !== undefined) code.get(beta);
      else if (type === 'f32') code.f32(0);
      else code.f64(0);
    };
    const batch = shape.slice(0, -2);
    const [stepsA, stepsB] = [batchSteps(a.shape, batch), batchSteps(b.shape, batch)];
    const scratch = plan.scratch(this.kernel);
    const [placeA, placeB] = [plan.place(a), plan.place(b)];
    const even = stepsA.even !== undefined && stepsB.even !== undefined;
    if (size(batch) > 1 && even) {
      code.i32(size(batch)).i32(m).i32(n).i32(k).get(alpha);
      pushAddress(code, placeA);
      code
        .i32(lda)
        .i32(stepsA.even ?? 0)
        .i32(transposeA ? 1 : 0);
      pushAddress(code, placeB);
      code
        .i32(ldb)
        .i32(stepsB.even ?? 0)
        .i32(transposeB ? 1 : 0);
      scale();
      pushAddress(code, result);
      code
        .i32(n)
        .i32(m * n)
        .i32(value.symmetric ? 1 : 0);
      pushOptional(code, scratch);
      code.call(importKernel(this.context.module, 'gemmBatched', type));
      return;
    }
    for (let i = 0; i < size(batch); i++) {
      const symmetric = value.symmetric && m === n;
      code.i32(m);
      if (!symmetric) code.i32(n);
      code.i32(k).get(alpha);
      pushAddress(code, placeA.part((stepsA.starts[i] ?? 0) * bytesOf[type], 0));
      code.i32(lda).i32(transposeA ? 1 : 0);
      pushAddress(code, placeB.part((stepsB.starts[i] ?? 0) * bytesOf[type], 0));
      code.i32(ldb).i32(transposeB ? 1 : 0);
      scale();
      pushAddress(code, result.part(i * m * n * bytesOf[type], 0));
      code.i32(n);
      pushOptional(code, scratch);
      code.call(importKernel(this.context.module, symmetric ? 'gemmSymmetric' : 'gemm', type));
    }
  }

  private factor(position: number, type: Type): number {
    const { work } = this.kernel;
    const body = work.kind === 'call' ? work.factors[position] : undefined;
    if (body === undefined) throw new BackendError(`wasm: a product lacks factor ${position}`);
    return emitScalar(this.context, this.func, body, type, (of) => this.plan.home(of));
  }
}

/** Where each matrix of a batch starts in an operand; `even` is the step where they follow one another, or are all the same. */
function batchSteps(shape: Shape, batch: Shape): { readonly starts: readonly number[]; readonly even: number | undefined } {
  const matrix = size(shape.slice(-2));
  const own = shape.slice(0, -2);
  const steps = broadcastStrides(own, batch);
  const walk = strides(batch);
  const starts = Array.from({ length: size(batch) }, (_, i) =>
    batch.reduce((sum, n, axis) => sum + (Math.floor(i / (walk[axis] ?? 1)) % n) * (steps[axis] ?? 0) * matrix, 0),
  );
  const step = starts[1] ?? 0;
  return { starts, even: starts.every((start, i) => start === i * step) ? step : undefined };
}

/** The copy that a value with one row changed starts from, unless the row is set in place. */
export function emitCopy(func: Func, from: Region, to: Region, bytes: number): void {
  if (bytes === 0 || (from.address === to.address && from.arena === to.arena)) return;
  pushAddress(func.code, to);
  pushAddress(func.code, from);
  func.code.i32(bytes).copy();
}
