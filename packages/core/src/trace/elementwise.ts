import type { BinaryOp, DType, ReduceOp, UnaryOp } from '../program/program.ts';
import { binary as binaryOf, unary as unaryOf } from '../program/scalar.ts';
import { broadcast, printShape, type Shape } from '../program/shape.ts';
import { broadcastTo, rowSelect } from './arrange.ts';
import { asTensor, axisOf, commonType, emit, fail, familyOf, isSymmetric, literal, markSymmetric } from './emit.ts';
import { tracing } from './graph.ts';
import { Tensor } from './tensor.ts';

const host = (line: number): Tensor => new Tensor([], 'working', { in: 'host', line });

/** The line of a scalar the host can compute, or undefined. */
function lineOf({ at }: Tensor): number | undefined {
  if (at.in === 'host') return at.line;
  return at.in === 'literal' ? tracing().host.literal(at.value) : undefined;
}

export function map(op: UnaryOp, x: Tensor): Tensor {
  if (x.at.in === 'literal') return literal(unaryOf[op](x.at.value));
  if (x.at.in === 'host') return host(tracing().host.apply(op, [x.at.line]));
  const result = emit({ op }, [x], x.shape, op === 'isFinite' ? 'working' : x.dtype);
  return isSymmetric(x) ? markSymmetric(result) : result;
}

const isLiteral = (x: Tensor, value: number): boolean => x.at.in === 'literal' && x.at.value === value;

export function combine(op: BinaryOp, left: Tensor | number, right: Tensor | number): Tensor {
  const [a, b] = [asTensor(left), asTensor(right)];
  if (a.at.in === 'literal' && b.at.in === 'literal') return literal(binaryOf[op](a.at.value, b.at.value));
  if ((op === 'mul' || op === 'div') && isLiteral(b, 1)) return a;
  if (op === 'mul' && isLiteral(a, 1)) return b;
  if (op === 'sub' && isLiteral(b, 0)) return a;
  // One division on the host instead of one per element.
  if (op === 'div' && b.at.in === 'host' && a.at.in === 'graph') return combine('mul', a, combine('div', 1, b));
  const [x, y] = [lineOf(a), lineOf(b)];
  if (x !== undefined && y !== undefined) return host(tracing().host.apply(op, [x, y]));

  const shape = broadcast(a.shape, b.shape) ?? fail(`${op}: shapes ${printShape(a.shape)} and ${printShape(b.shape)} do not broadcast`);
  const type = commonType([a, b]);
  const comparison = op === 'lt' || op === 'le' || op === 'eq';
  const result = emit({ op }, [a, b], shape, comparison ? 'working' : type, type);
  return carrySymmetry(op, a, b, result);
}

/** Elementwise work keeps symmetry; sums and multiples by a scalar keep the commuting family too. */
function carrySymmetry(op: BinaryOp, a: Tensor, b: Tensor, result: Tensor): Tensor {
  const [symmetricA, symmetricB] = [isSymmetric(a), isSymmetric(b)];
  if (symmetricA && symmetricB) {
    const commute = (op === 'add' || op === 'sub') && familyOf(a) === familyOf(b);
    return markSymmetric(result, commute ? familyOf(a) : undefined);
  }
  if (symmetricA && b.shape.length === 0) return markSymmetric(result, op === 'mul' || op === 'div' ? familyOf(a) : undefined);
  if (symmetricB && a.shape.length === 0) return markSymmetric(result, op === 'mul' ? familyOf(b) : undefined);
  return result;
}

/**
 * a where the condition is not 0, else b: a select, the branch not taken may be NaN. A constant condition folds, so that the
 * other branch is not part of the program.
 */
export function where(condition: Tensor | number, left: Tensor | number, right: Tensor | number): Tensor {
  const [c, a, b] = [asTensor(condition), asTensor(left), asTensor(right)];
  const both = broadcast(a.shape, b.shape);
  const shape =
    (both && broadcast(c.shape, both)) ?? fail(`where: shapes ${[c, a, b].map((x) => printShape(x.shape)).join(', ')} do not broadcast`);
  if (c.at.in === 'literal') return broadcastTo(c.at.value !== 0 ? a : b, shape);
  const [x, y, z] = [lineOf(c), lineOf(a), lineOf(b)];
  if (x !== undefined && y !== undefined && z !== undefined) return host(tracing().host.apply('where', [x, y, z]));
  const selected = rowSelect(c, a, b);
  if (selected !== undefined) return selected;
  const type = commonType([a, b]);
  const result = emit({ op: 'where' }, [c, a, b], shape, type);
  const commute = familyOf(a) === familyOf(b) ? familyOf(a) : undefined;
  return c.shape.length === 0 && isSymmetric(a) && isSymmetric(b) ? markSymmetric(result, commute) : result;
}

/**
 * (1 − w)a + wb as (a − wa) + wb, in which nothing overflows and equal values stay what they are: a for w = 0, b for w = 1. A weight of the host
 * is that of an average of finite values; for any other, infinities are looked after too: a mean of two that agree is what they are.
 */
export function lerp(left: Tensor, right: Tensor | number, weight: Tensor | number): Tensor {
  const [b, w] = [asTensor(right), asTensor(weight)];
  const mixed = left.sub(left.mul(w)).add(b.mul(w));
  if (w.at.in === 'host') return mixed;
  const mean = where(left.isFinite().mul(b.isFinite()), mixed, left.mul(w.not()).add(b.mul(w)));
  return where(w.eq(1), b, where(w.eq(0).add(left.eq(b)), left, mean));
}

export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.at.in === 'graph' && x.dtype === dtype) return x;
  const result = emit({ op: 'cast' }, [x], x.shape, dtype, 'wide');
  return isSymmetric(x) ? markSymmetric(result, familyOf(x)) : result;
}

export function reduce(op: ReduceOp, x: Tensor, axes: readonly number[] | undefined, keep: boolean): Tensor {
  const reduced = new Set((axes ?? x.shape.map((_, i) => i)).map((axis) => axisOf(op, axis, x.shape)));
  if (reduced.size === 0) return x;
  const sorted = [...reduced].sort((i, j) => i - j);
  const shape: Shape = keep ? x.shape.map((n, i) => (reduced.has(i) ? 1 : n)) : x.shape.filter((_, i) => !reduced.has(i));
  return emit({ op, axes: sorted, keep }, [x], shape, x.dtype);
}

export function argsort(x: Tensor): Tensor {
  if (x.shape.length === 0) fail('argsort: a scalar has no order');
  return emit({ op: 'argsort' }, [x], x.shape, 'int');
}
