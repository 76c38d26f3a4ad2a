import type { BinaryOp, DType, ReduceOp, UnaryOp } from '../program/program.ts';
import { binary as binaryOf, unary as unaryOf } from '../program/scalar.ts';
import { broadcast, printShape, type Shape } from '../program/shape.ts';
import { axisOf, commonType, emit, fail, familyOf, isSymmetric, literal, markSymmetric, traced } from './emit.ts';
import { type Traced, tracing } from './graph.ts';

/** A scalar that the host computes. */
export const host = (line: number): Traced => ({ shape: [], dtype: 'working', at: { in: 'host', line } });

/** The lines of scalars the host can compute, or undefined where one of them it cannot. */
export function linesOf(tensors: readonly Traced[]): number[] | undefined {
  if (tensors.some(({ at }) => at.in === 'graph')) return undefined;
  return tensors.flatMap(({ at }) => (at.in === 'host' ? at.line : at.in === 'literal' ? tracing().host.literal(at.value) : []));
}

export function map(op: UnaryOp, x: Traced): Traced {
  if (x.at.in === 'literal') return literal(unaryOf[op](x.at.value));
  if (x.at.in === 'host') return host(tracing().host.apply(op, [x.at.line]));
  const result = emit({ op }, [x], x.shape, op === 'isFinite' ? 'working' : x.dtype);
  return isSymmetric(x) ? markSymmetric(result) : result;
}

const isLiteral = (x: Traced, value: number): boolean => x.at.in === 'literal' && x.at.value === value;

export function combine(op: BinaryOp, left: Traced | number, right: Traced | number): Traced {
  const [a, b] = [traced(left), traced(right)];
  if (a.at.in === 'literal' && b.at.in === 'literal') return literal(binaryOf[op](a.at.value, b.at.value));
  if ((op === 'mul' || op === 'div') && isLiteral(b, 1)) return a;
  if (op === 'mul' && isLiteral(a, 1)) return b;
  if (op === 'sub' && isLiteral(b, 0)) return a;
  // One division on the host instead of one per element.
  if (op === 'div' && b.at.in === 'host' && a.at.in === 'graph') return combine('mul', a, combine('div', 1, b));
  const lines = linesOf([a, b]);
  if (lines !== undefined) return host(tracing().host.apply(op, lines));

  const shape = broadcast(a.shape, b.shape) ?? fail(`${op}: shapes ${printShape(a.shape)} and ${printShape(b.shape)} do not broadcast`);
  const type = commonType([a, b]);
  const comparison = op === 'lt' || op === 'le' || op === 'eq';
  const result = emit({ op }, [a, b], shape, comparison ? 'working' : type, type);
  return carrySymmetry(op, a, b, result);
}

/** Elementwise work keeps symmetry; sums and multiples by a scalar keep the commuting family too. */
function carrySymmetry(op: BinaryOp, a: Traced, b: Traced, result: Traced): Traced {
  const [symmetricA, symmetricB] = [isSymmetric(a), isSymmetric(b)];
  if (symmetricA && symmetricB) {
    const commute = (op === 'add' || op === 'sub') && familyOf(a) === familyOf(b);
    return markSymmetric(result, commute ? familyOf(a) : undefined);
  }
  if (symmetricA && b.shape.length === 0) return markSymmetric(result, op === 'mul' || op === 'div' ? familyOf(a) : undefined);
  if (symmetricB && a.shape.length === 0) return markSymmetric(result, op === 'mul' ? familyOf(b) : undefined);
  return result;
}

export function cast(x: Traced, dtype: DType): Traced {
  if (x.at.in === 'graph' && x.dtype === dtype) return x;
  const result = emit({ op: 'cast' }, [x], x.shape, dtype, 'wide');
  return isSymmetric(x) ? markSymmetric(result, familyOf(x)) : result;
}

export function reduce(op: ReduceOp, x: Traced, axes: readonly number[] | undefined, keep: boolean): Traced {
  const reduced = new Set((axes ?? x.shape.map((_, i) => i)).map((axis) => axisOf(op, axis, x.shape)));
  if (reduced.size === 0) return x;
  const sorted = [...reduced].sort((i, j) => i - j);
  const shape: Shape = keep ? x.shape.map((n, i) => (reduced.has(i) ? 1 : n)) : x.shape.filter((_, i) => !reduced.has(i));
  return emit({ op, axes: sorted, keep }, [x], shape, x.dtype);
}

export function argsort(x: Traced): Traced {
  if (x.shape.length === 0) fail('argsort: a scalar has no order');
  return emit({ op: 'argsort' }, [x], x.shape, 'int');
}
