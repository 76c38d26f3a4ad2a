import { broadcast, printShape, type Shape, sameShape } from '../program/shape.ts';
import { untransposed } from './arrange.ts';
import { commonType, emit, fail, familyOf, isSymmetric, markSymmetric, sameTensor, traced } from './emit.ts';
import type { Traced } from './graph.ts';

export interface ProductOptions<T> {
  /** Use aᵀ. */
  readonly transposeA?: boolean;
  /** Use bᵀ. */
  readonly transposeB?: boolean;
  /** Factor of the product; default 1. */
  readonly alpha?: T | number;
  /** A matrix of the result's shape that is added, times `beta`. */
  readonly add?: T;
  /** Factor of `add`; default 1. */
  readonly beta?: T | number;
}

const matrix = (op: string, x: Traced): readonly [batch: Shape, rows: number, columns: number] => {
  const [rows, columns] = x.shape.slice(-2);
  return rows === undefined || columns === undefined
    ? fail(`${op}: a matrix is needed, received shape ${printShape(x.shape)}`)
    : [x.shape.slice(0, -2), rows, columns];
};

export function contract(left: Traced, right: Traced, options: ProductOptions<Traced>): Traced {
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

function factor(name: string, given: Traced | number = 1): Traced {
  const x = traced(given);
  return x.shape.length === 0 ? x : fail(`matmul: ${name} must be a scalar, received shape ${printShape(x.shape)}`);
}

const mark = (x: Traced, transposed: boolean): string => `${printShape(x.shape)}${transposed ? 'ᵀ' : ''}`;

/** Takes a transposition out of an operand and into the product's flag. */
function plain(x: Traced, transposed: boolean): readonly [Traced, boolean] {
  const source = untransposed(x);
  if (source !== undefined) return plain(source, !transposed);
  return [x, transposed && !isSymmetric(x)];
}

/** x·xᵀ is symmetric, and so is the product of two polynomials of one symmetric matrix. */
function carrySymmetry(result: Traced, a: Traced, transposeA: boolean, b: Traced, transposeB: boolean, add: Traced | undefined): Traced {
  const family = familyOf(a);
  const commute = family !== undefined && family === familyOf(b);
  const gram = sameTensor(a, b) && transposeA !== transposeB;
  if (!(commute || gram) || (add !== undefined && !isSymmetric(add))) return result;
  const kept = commute && (add === undefined || familyOf(add) === family);
  return markSymmetric(result, kept ? family : undefined);
}

function square(op: string, x: Traced): readonly [Shape, number] {
  const [batch, rows, columns] = matrix(op, x);
  return rows === columns ? [batch, rows] : fail(`${op}: a square matrix is needed, received shape ${printShape(x.shape)}`);
}

export function eigh(x: Traced): { values: Traced; vectors: Traced } {
  const [batch, n] = square('eigh', x);
  const pair = emit({ op: 'eigh' }, [x], [...batch, n + 1, n], x.dtype);
  return {
    values: emit({ op: 'part', index: 0 }, [pair], [...batch, n], x.dtype),
    vectors: emit({ op: 'part', index: 1 }, [pair], [...batch, n, n], x.dtype),
  };
}

export function orthonormalize(x: Traced, deficient: 'zero' | 'complete', tolerance: number): Traced {
  const [, rows, columns] = matrix('orthonormalize', x);
  if (deficient === 'complete' && columns > rows) fail(`orthonormalize: ${rows} rows cannot hold ${columns} orthonormal columns`);
  return emit({ op: 'orthonormalize', deficient, tolerance }, [x], x.shape, x.dtype);
}

export function cholesky(x: Traced): Traced {
  square('cholesky', x);
  return emit({ op: 'cholesky' }, [x], x.shape, x.dtype);
}

export function solveTriangular(l: Traced, b: Traced, transpose: boolean): Traced {
  const [batch, n] = square('solveTriangular', l);
  const [batchB, rows] = matrix('solveTriangular', b);
  if (rows !== n || !sameShape(batch, batchB)) fail(`solveTriangular: shapes ${printShape(l.shape)} and ${printShape(b.shape)} do not fit`);
  return emit({ op: 'solveTriangular', transpose }, [l, b], b.shape, commonType([l, b]));
}
