import type { ReduceOp } from '../program/program.ts';
import { broadcast, printShape, type Shape, sameShape } from '../program/shape.ts';
import { concat, untransposed } from './arrange.ts';
import { reduce, where } from './elementwise.ts';
import { asTensor, commonType, emit, fail, familyOf, isSymmetric, markSymmetric, sameTensor } from './emit.ts';
import type { MatmulOptions, Tensor } from './tensor.ts';

const matrix = (op: string, x: Tensor): readonly [batch: Shape, rows: number, columns: number] => {
  const [rows, columns] = x.shape.slice(-2);
  return rows === undefined || columns === undefined
    ? fail(`${op}: a matrix is needed, received shape ${printShape(x.shape)}`)
    : [x.shape.slice(0, -2), rows, columns];
};

export function contract(left: Tensor, right: Tensor, options: MatmulOptions): Tensor {
  const [a, transposeA] = plain(left, options.transposeA ?? false);
  const [b, transposeB] = plain(right, options.transposeB ?? false);
  const [batchA, rowsA, columnsA] = matrix('matmul', a);
  const [batchB, rowsB, columnsB] = matrix('matmul', b);
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [inner, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  const batch = broadcast(batchA, batchB);
  if (k !== inner || batch === undefined) return fail(`matmul: shapes ${mark(a, transposeA)} and ${mark(b, transposeB)} do not fit`);

  const shape = [...batch, m, n];
  const { add } = options;
  if (add !== undefined && !sameShape(add.shape, shape))
    fail(`matmul: add must have shape ${printShape(shape)}, received ${printShape(add.shape)}`);
  const alpha = factor('alpha', options.alpha);
  const operands = add === undefined ? [a, b, alpha] : [a, b, alpha, add, factor('beta', options.beta)];
  const result = emit({ op: 'matmul', transposeA, transposeB }, operands, shape, commonType(operands));
  return carrySymmetry(result, a, transposeA, b, transposeB, add);
}

function factor(name: string, given: Tensor | number = 1): Tensor {
  const x = asTensor(given);
  return x.shape.length === 0 ? x : fail(`matmul: ${name} must be a scalar, received shape ${printShape(x.shape)}`);
}

const mark = (x: Tensor, transposed: boolean): string => `${printShape(x.shape)}${transposed ? 'ᵀ' : ''}`;

/** Takes a transposition out of an operand and into the product's flag. */
function plain(x: Tensor, transposed: boolean): readonly [Tensor, boolean] {
  const source = untransposed(x);
  if (source !== undefined) return plain(source, !transposed);
  return [x, transposed && !isSymmetric(x)];
}

/** x·xᵀ is symmetric, and so is the product of two polynomials of one symmetric matrix. */
function carrySymmetry(result: Tensor, a: Tensor, transposeA: boolean, b: Tensor, transposeB: boolean, add: Tensor | undefined): Tensor {
  const family = familyOf(a);
  const commute = family !== undefined && family === familyOf(b);
  const gram = sameTensor(a, b) && transposeA !== transposeB;
  if (!(commute || gram) || (add !== undefined && !isSymmetric(add))) return result;
  const kept = commute && (add === undefined || familyOf(add) === family);
  return markSymmetric(result, kept ? family : undefined);
}

function square(op: string, x: Tensor): readonly [Shape, number] {
  const [batch, rows, columns] = matrix(op, x);
  return rows === columns ? [batch, rows] : fail(`${op}: a square matrix is needed, received shape ${printShape(x.shape)}`);
}

export function eigh(x: Tensor): { values: Tensor; vectors: Tensor } {
  const [batch, n] = square('eigh', x);
  const pair = emit({ op: 'eigh' }, [x], [...batch, n + 1, n], x.dtype);
  return {
    values: emit({ op: 'part', index: 0 }, [pair], [...batch, n], x.dtype),
    vectors: emit({ op: 'part', index: 1 }, [pair], [...batch, n, n], x.dtype),
  };
}

export function orthonormalize(x: Tensor, deficient: 'zero' | 'complete', tolerance: number): Tensor {
  const [, rows, columns] = matrix('orthonormalize', x);
  if (deficient === 'complete' && columns > rows) fail(`orthonormalize: ${rows} rows cannot hold ${columns} orthonormal columns`);
  return emit({ op: 'orthonormalize', deficient, tolerance }, [x], x.shape, x.dtype);
}

export function cholesky(x: Tensor): Tensor {
  square('cholesky', x);
  return emit({ op: 'cholesky' }, [x], x.shape, x.dtype);
}

export function solveTriangular(l: Tensor, b: Tensor, transpose: boolean): Tensor {
  const [batch, n] = square('solveTriangular', l);
  const [batchB, rows] = matrix('solveTriangular', b);
  if (rows !== n || !sameShape(batch, batchB)) fail(`solveTriangular: shapes ${printShape(l.shape)} and ${printShape(b.shape)} do not fit`);
  return emit({ op: 'solveTriangular', transpose }, [l, b], b.shape, commonType([l, b]));
}

/** A tensor, or several, as multiples of the largest element: x = σ²y with max|y| = 1, and y = x where that is 0. */
export interface Scaled {
  /** σ, or 1 where all is 0. */
  readonly root: Tensor;
  /** ‖y‖₂ of all together: at least 1, or 0. */
  readonly length: Tensor;
  /** y of one of them. */
  by(x: Tensor): Tensor;
}

/**
 * Tensors by the largest element of them all, so that squares neither overflow nor vanish; one alone also over some of its axes, kept as axes
 * of 1. They are divided by σ twice: one over the largest number, or over a denormal, is none.
 */
export function scaled(xs: readonly Tensor[], axes?: readonly number[]): Scaled {
  const keep = axes !== undefined;
  const largest = overall(
    xs.map((x) => x.abs().maximum(axes, { keep })),
    'maximum',
  );
  const root = where(largest.gt(0), largest, 1).sqrt();
  const inverse = root.reciprocal();
  const by = (x: Tensor): Tensor => x.mul(inverse).mul(inverse);
  const squares = overall(
    xs.map((x) => by(x).square().sum(axes, { keep })),
    'sum',
  );
  return { root, length: squares.sqrt(), by };
}

/** One reduction of several. */
function overall(parts: readonly Tensor[], op: ReduceOp): Tensor {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : reduce(op, concat(parts.map((part) => part.reshape([1]))), undefined, false);
}

/** ‖x‖₂ of all elements, or over some axes, kept as axes of 1. Infinite only where it is more than there are numbers for. */
export function norm(x: Tensor, axes?: readonly number[]): Tensor {
  const { root, length } = scaled([x], axes);
  return length.mul(root).mul(root);
}

/** x/‖x‖₂, also where that norm is infinite; 0 for x = 0. */
export function normalized(x: Tensor, axes?: readonly number[]): Tensor {
  const { length, by } = scaled([x], axes);
  return by(x).mul(where(length.gt(0), length, 1).reciprocal());
}
