import { singleNode } from '@opt/backend-reference';
import { BackendError, type Floats, type Node, type Shape, size } from '@opt/core';
import { type Linalg, linalg } from '@opt/linalg';

/** Computes one node in host memory: operands in, its parts out (one, unless it is an eigenproblem: values, then vectors). */
export type HostKernel = (operands: readonly Float64Array[]) => Float64Array;

let kernels: Linalg | undefined;
/** One for all: it keeps nothing between calls. */
const algebra = (): Linalg => {
  kernels ??= linalg();
  return kernels;
};

/** A node in f64: products by `@opt/linalg`, everything else as the reference backend does it. */
export function hostKernel(node: Node, shapes: readonly Shape[]): HostKernel {
  return (node.operation.op === 'matmul' ? product(node, shapes) : undefined) ?? interpreted(node, shapes);
}

/** As the reference backend does it. */
function interpreted(node: Node, shapes: readonly Shape[]): HostKernel {
  const compute = singleNode(node, shapes);
  return (operands) => Float64Array.from(compute(operands));
}

/** A product whose batch needs no broadcasting but that of single matrices. */
function product(node: Node, shapes: readonly Shape[]): HostKernel | undefined {
  const { operation, shape } = node;
  const [shapeA = [], shapeB = []] = shapes;
  const batch = size(shape.slice(0, -2));
  const fits = [shapeA, shapeB].every((own) => [1, batch].includes(size(own.slice(0, -2))));
  if (operation.op !== 'matmul' || !fits) return undefined;
  const { transposeA, transposeB } = operation;
  const [m = 1, n = 1] = shape.slice(-2);
  const k = shapeA.at(transposeA ? -2 : -1) ?? 1;
  return ([a, b, alpha, add, beta]) => {
    if (a === undefined || b === undefined) throw new BackendError('tfjs: an operand of matmul is missing');
    const options = { transposeA, transposeB, alpha: alpha?.[0] ?? 1, beta: beta?.[0] ?? 1 };
    return algebra().matmul(a, b, { m, n, k, batch }, add === undefined ? options : { ...options, add });
  };
}

/** The operations tfjs lacks, on the host by `@opt/linalg`. */
export type Factorization = 'eigh' | 'orthonormalize' | 'cholesky' | 'solveTriangular';

const names: ReadonlySet<string> = new Set<Factorization>(['eigh', 'orthonormalize', 'cholesky', 'solveTriangular']);
export const isFactorization = (op: string): boolean => names.has(op);

/** The parts of a factorisation of every matrix of a batch, in the precision of the operands. */
export function factorize(node: Node, operands: readonly Float32Array[]): Float32Array[];
export function factorize(node: Node, operands: readonly Float64Array[]): Float64Array[];
export function factorize(node: Node, [a, b]: readonly Floats[]): Floats[] {
  const { operation, shape } = node;
  if (a === undefined) throw new BackendError(`tfjs: the operand of ${operation.op} is missing`);
  // The buffer of an eigenproblem has one more row than the matrix: the values.
  const [rows = 1, columns = 1] = shape.slice(-2);
  const batches = size(shape.slice(0, -2));
  const matrix = (of: Floats, length: number, i: number): Floats => of.subarray(i * length, (i + 1) * length);
  const all = (f: (i: number) => Floats): Floats =>
    joined(
      a,
      Array.from({ length: batches }, (_, i) => f(i)),
    );
  switch (operation.op) {
    case 'eigh': {
      const pairs = Array.from({ length: batches }, (_, i) => eigh(matrix(a, columns * columns, i), columns));
      return [
        joined(
          a,
          pairs.map(({ values }) => values),
        ),
        joined(
          a,
          pairs.map(({ vectors }) => vectors),
        ),
      ];
    }
    case 'orthonormalize': {
      const { deficient, tolerance } = operation;
      return [all((i) => orthonormalize(matrix(a, rows * columns, i), rows, columns, { deficient, tolerance }))];
    }
    case 'cholesky':
      return [all((i) => cholesky(matrix(a, rows * rows, i), rows))];
    case 'solveTriangular': {
      if (b === undefined) throw new BackendError('tfjs: the right-hand side of solveTriangular is missing');
      const { transpose } = operation;
      return [all((i) => solve(matrix(a, rows * rows, i), matrix(b, rows * columns, i), rows, columns, transpose))];
    }
    default:
      throw new BackendError(`tfjs: '${operation.op}' is no factorisation`);
  }
}

function joined(like: Floats, parts: readonly Floats[]): Floats {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const result = like instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

const eigh = (a: Floats, n: number): { values: Floats; vectors: Floats } =>
  a instanceof Float32Array ? algebra().eigh(a, n) : algebra().eigh(a, n);

const orthonormalize = (x: Floats, m: number, n: number, options: { deficient: 'zero' | 'complete'; tolerance: number }): Floats =>
  x instanceof Float32Array ? algebra().orthonormalize(x, m, n, options).q : algebra().orthonormalize(x, m, n, options).q;

const cholesky = (a: Floats, n: number): Floats => (a instanceof Float32Array ? algebra().cholesky(a, n) : algebra().cholesky(a, n));

const solve = (l: Floats, b: Floats, n: number, r: number, transpose: boolean): Floats =>
  l instanceof Float32Array
    ? algebra().solveTriangular(l, Float32Array.from(b), n, r, { transpose })
    : algebra().solveTriangular(l, Float64Array.from(b), n, r, { transpose });
