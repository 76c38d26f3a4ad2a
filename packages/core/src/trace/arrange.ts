import { broadcast, printShape, type Shape, sameShape, size } from '../program/shape.ts';
import { axisOf, commonType, emit, fail, isSymmetric, nodeOf, operandOf, traced } from './emit.ts';
import type { Traced } from './graph.ts';

/** Operations that move elements without changing them. */

export function reshape(x: Traced, shape: Shape): Traced {
  const free = shape.indexOf(-1);
  const known = size(shape.filter((n) => n !== -1));
  const full = free < 0 ? shape : shape.map((n) => (n === -1 ? size(x.shape) / Math.max(1, known) : n));
  if (size(full) !== size(x.shape) || !full.every(Number.isInteger))
    fail(`reshape: ${printShape(x.shape)} has ${size(x.shape)} elements, ${printShape(shape)} does not`);
  if (sameShape(full, x.shape)) return x;
  const source = nodeOf(x)?.operation.op === 'reshape' ? operandOf(x, 0) : undefined;
  return source === undefined ? emit({ op: 'reshape' }, [x], full, x.dtype) : reshape(source, full);
}

export function permute(x: Traced, permutation: readonly number[] | undefined): Traced {
  const rank = x.shape.length;
  if (permutation === undefined && rank < 2) return x;
  const order = permutation ?? [...x.shape.keys()].slice(0, -2).concat(rank - 1, rank - 2);
  if (order.length !== rank || new Set(order.map((axis) => axisOf('transpose', axis, x.shape))).size !== rank) {
    fail(`transpose: [${order}] must name every axis of shape ${printShape(x.shape)} once`);
  }
  if (order.every((axis, i) => axis === i) || (permutation === undefined && isSymmetric(x))) return x;
  const operation = nodeOf(x)?.operation;
  const source = operandOf(x, 0);
  if (operation?.op === 'transpose' && source !== undefined)
    return permute(
      source,
      order.map((axis) => operation.permutation[axis] ?? 0),
    );
  return emit(
    { op: 'transpose', permutation: order },
    [x],
    order.map((axis) => x.shape[axis] ?? 1),
    x.dtype,
  );
}

/** The matrix whose plain transpose over the last two axes x is, if it is one. */
export function untransposed(x: Traced): Traced | undefined {
  const operation = nodeOf(x)?.operation;
  if (operation?.op !== 'transpose') return undefined;
  const rank = x.shape.length;
  const plain = operation.permutation.every((axis, i) => axis === (i < rank - 2 ? i : i === rank - 2 ? rank - 1 : rank - 2));
  return plain ? operandOf(x, 0) : undefined;
}

export function broadcastTo(x: Traced, shape: Shape): Traced {
  if (sameShape(x.shape, shape)) return x;
  const result = broadcast(x.shape, shape);
  if (result === undefined || !sameShape(result, shape))
    fail(`broadcastTo: ${printShape(x.shape)} does not broadcast to ${printShape(shape)}`);
  return emit({ op: 'broadcastTo' }, [x], shape, x.dtype);
}

export function slice(x: Traced, starts: readonly number[], ends: readonly number[]): Traced {
  const from = x.shape.map((_, i) => starts[i] ?? 0);
  const to = x.shape.map((n, i) => ends[i] ?? n);
  const valid = x.shape.every((n, i) => 0 <= (from[i] ?? 0) && (from[i] ?? 0) <= (to[i] ?? 0) && (to[i] ?? 0) <= n);
  if (!valid || starts.length > x.shape.length || ends.length > x.shape.length)
    fail(`slice: [${starts}] to [${ends}] must lie inside ${printShape(x.shape)}`);
  const shape = to.map((end, i) => end - (from[i] ?? 0));
  return sameShape(shape, x.shape) ? x : emit({ op: 'slice', starts: from }, [x], shape, x.dtype);
}

export function concat(parts: readonly Traced[], axis: number): Traced {
  const [first] = parts;
  if (first === undefined) return fail('concat: at least one tensor is needed');
  if (parts.length === 1) return first;
  const along = axisOf('concat', axis, first.shape);
  const fits = (part: Traced): boolean =>
    part.shape.length === first.shape.length && part.shape.every((n, i) => i === along || n === first.shape[i]);
  if (!parts.every(fits)) fail(`concat: shapes ${parts.map((part) => printShape(part.shape)).join(', ')} differ off axis ${along}`);
  const shape = first.shape.map((n, i) => (i === along ? parts.reduce((sum, part) => sum + (part.shape[i] ?? 0), 0) : n));
  return emit({ op: 'concat', axis: along }, parts, shape, commonType(parts));
}

export function gather(x: Traced, index: Traced, axis: number): Traced {
  const along = axisOf('gather', axis, x.shape);
  if (index.shape.length !== 1) fail(`gather: index must be a vector, received shape ${printShape(index.shape)}`);
  return emit(
    { op: 'gather', axis: along },
    [x, index],
    x.shape.map((n, i) => (i === along ? (index.shape[0] ?? 0) : n)),
    x.dtype,
  );
}

export function row(x: Traced, index: Traced | number): Traced {
  if (x.shape.length === 0) fail('row: a scalar has no rows');
  return emit({ op: 'row' }, [x, scalarIndex('row', index)], x.shape.slice(1), x.dtype, 'working');
}

export function setRow(x: Traced, index: Traced | number, value: Traced): Traced {
  if (!sameShape(x.shape.slice(1), value.shape) || x.shape.length === 0)
    fail(`setRow: a row of ${printShape(x.shape)} cannot be ${printShape(value.shape)}`);
  return emit({ op: 'setRow' }, [x, scalarIndex('setRow', index), value], x.shape, x.dtype);
}

function scalarIndex(op: string, index: Traced | number): Traced {
  const i = traced(index);
  return i.shape.length === 0 ? i : fail(`${op}: index must be a scalar, received shape ${printShape(i.shape)}`);
}
