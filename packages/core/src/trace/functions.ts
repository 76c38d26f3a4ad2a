import type { DType } from '../program/program.ts';
import { type Shape, sameShape } from '../program/shape.ts';
import { mapValues } from '../records.ts';
import * as arrange from './arrange.ts';
import { cast } from './elementwise.ts';
import { at, emit, fail, literal, nodeOf, operandOf, traced } from './emit.ts';
import { Graph, type Traced, tracing } from './graph.ts';
import * as select from './select.ts';
import { type Tensor, tensorOf } from './tensor.ts';

/** A constant scalar. */
export const scalar = (value: number): Tensor => tensorOf(literal(value));

/** Tensors joined along `axis`. */
export const concat = (parts: readonly Tensor[], axis = 0): Tensor => tensorOf(arrange.concat(parts, axis));

/**
 * a where the condition is not 0, else b: a select, the branch not taken may be NaN. A constant condition folds, so that the
 * other branch is not part of the program.
 */
export const where = (condition: Tensor | number, a: Tensor | number, b: Tensor | number): Tensor =>
  tensorOf(select.where(condition, a, b));

/** 0, 1, …, n − 1. */
export const iota = (n: number): Tensor => tensorOf(emit({ op: 'iota' }, [], [n], 'int'));

/** A tensor of one value. */
export const full = (shape: Shape, value: Tensor | number): Tensor => tensorOf(traced(value)).broadcastTo(shape);

/** The identity matrix. */
export const identity = (n: number): Tensor => iota(n).reshape([n, 1]).eq(iota(n));

/** The lower triangle of each matrix over the last two axes: what is at most `k` diagonals above the diagonal, and 0. */
export const tril = (x: Tensor, k = 0): Tensor => triangle(x, (row, column) => column.le(row.add(k)));

/** The upper triangle of each matrix over the last two axes: what is at least `k` diagonals above the diagonal, and 0. */
export const triu = (x: Tensor, k = 0): Tensor => triangle(x, (row, column) => column.ge(row.add(k)));

function triangle(x: Tensor, holds: (row: Tensor, column: Tensor) => Tensor): Tensor {
  const [rows, columns] = x.shape.slice(-2);
  if (rows === undefined || columns === undefined) return fail(`a triangle of a matrix is needed, received shape [${x.shape}]`);
  return where(holds(iota(rows).reshape([rows, 1]), iota(columns)), x, 0);
}

/** The position of the largest element along the last axis; of equal ones the first. */
export function argmax(x: Tensor): Tensor {
  const n = x.shape.at(-1);
  if (n === undefined) return fail('argmax: an axis is needed, received a scalar');
  const first = x.neg().argsort();
  return first.slice([...x.shape.slice(0, -1).map(() => 0), 0], [...x.shape.slice(0, -1), Math.min(1, n)]).reshape(x.shape.slice(0, -1));
}

/** The smallest of the conditions: 1 where all hold. */
export const all = (conditions: readonly Tensor[]): Tensor => conditions.reduce((a, b) => a.min(b), scalar(1));

/** 1 if every element is finite, else 0. */
export const allFinite = (x: Tensor): Tensor => x.isFinite().not().maximum().not();

/** x − n·⌊x/n⌋. */
export const mod = (x: Tensor, n: number): Tensor => x.sub(x.div(n).floor().mul(n));

/** A traced value that may be a plain number: 1 − βᵗ as −expm1(t·ln β), exact for small t(1−β) and on every device. */
export const debias = (beta: Tensor, count: Tensor): Tensor => count.mul(beta.log()).expm1().neg();

/**
 * x with every element brought into ±(largest/4n)^(1/p): then the sum of n p-th powers is finite, with room for rounding; ∞ for the largest
 * number itself where p and n are 1, as after a sum. `largest` is that of working precision, `site.largest`.
 */
export function saturate(x: Tensor, largest: number, power = 1, terms = 1): Tensor {
  const limit = power === 1 && terms === 1 ? largest : (largest / (4 * terms)) ** (1 / power);
  return isWithin(x, limit) ? x : x.min(limit).max(-limit);
}

/** Whether x was brought into [−limit, limit] before, its shape aside. */
function isWithin(x: Traced, limit: number): boolean {
  const operation = nodeOf(x)?.operation;
  const [inside, bound] = [operandOf(x, 0), operandOf(x, 1)];
  if (operation?.op === 'reshape') return inside !== undefined && isWithin(inside, limit);
  const ends =
    operation?.op === 'max' && inside !== undefined && nodeOf(inside)?.operation.op === 'min' ? [bound, operandOf(inside, 1)] : [];
  return (
    ends.length > 0 &&
    ends.every((end) => {
      const constant = end && nodeOf(end)?.operation;
      return constant?.op === 'literal' && Math.abs(constant.value) <= limit;
    })
  );
}

/** A next carry in the precision of the one before; scalars of the host take it on by themselves. */
const inPrecision = (x: Tensor, dtype: DType): Tensor => (x.at.in === 'graph' || dtype === 'int' ? tensorOf(cast(x, dtype)) : x);

/**
 * Applies `body` to `carry` `times` times, or fewer: `until` is asked before every round, and once it gives something
 * other than 0 the carry stays as it is. Shapes and precisions of the carry do not change.
 */
export function repeat<K extends string>(
  times: number,
  carry: Readonly<Record<K, Tensor>>,
  body: (carry: Readonly<Record<K, Tensor>>) => Readonly<Record<K, Tensor>>,
  until?: (carry: Readonly<Record<K, Tensor>>) => Tensor,
): Record<K, Tensor> {
  const trace = tracing();
  const captured: Tensor[] = [];
  const inside = <T>(f: (parameters: Record<K, Tensor>, graph: Graph) => T): T => {
    const outer = trace.graph;
    const graph = new Graph(trace, outer, captured);
    const parameters = mapValues(carry, (x) => tensorOf(at(graph, graph.parameter(x.shape, x.dtype))));
    trace.graph = graph;
    try {
      return f(parameters, graph);
    } finally {
      trace.graph = outer;
    }
  };
  const bodyBlock = inside((parameters, graph) => {
    const next = body(parameters);
    const results = mapValues(parameters, (x, key) => {
      if (!sameShape(next[key].shape, x.shape)) fail(`repeat: '${key}' changes its shape from [${x.shape}] to [${next[key].shape}]`);
      return graph.lower(inPrecision(next[key], x.dtype), x.dtype);
    });
    return graph.finish(Object.values<number>(results));
  });
  const untilBlock = until && inside((parameters, graph) => graph.finish([graph.lower(until(parameters), 'working')]));

  const starts = Object.values<Tensor>(carry);
  const loop = emit({ op: 'repeat', times, body: bodyBlock, until: untilBlock }, [...starts, ...captured], [], 'working');
  let index = 0;
  return mapValues(carry, (x) => tensorOf(emit({ op: 'part', index: index++ }, [loop], x.shape, x.dtype)));
}
