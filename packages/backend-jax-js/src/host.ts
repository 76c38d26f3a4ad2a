import { singleNode } from '@opt/backend-reference';
import { type DType, type Floats, type Node, type Shape, size } from '@opt/core';
import { type Linalg, linalg } from '@opt/linalg';
import { floats } from './jax.ts';

/** A tensor in host memory. */
export interface HostTensor {
  readonly data: Floats;
  readonly shape: Shape;
}

/** One node in host memory: operands in, its parts out (an eigenproblem has two: values and vectors). */
export type HostKernel = (operands: readonly HostTensor[]) => Floats[];

let instance: Linalg | undefined;
/** One for all: it keeps nothing between calls. */
const algebra = (): Linalg => {
  instance ??= linalg();
  return instance;
};

/** What computes a node on the host. */
export function hostKernel(node: Node, operandShapes: readonly Shape[]): HostKernel {
  const { operation, dtype, shape } = node;
  const la = algebra();
  const [rows = 1, columns = 1] = (operandShapes.at(-1) ?? []).slice(-2);
  switch (operation.op) {
    case 'eigh':
      return ([a]) => eigh(la, given(a, dtype), rows);
    case 'orthonormalize': {
      const { deficient, tolerance } = operation;
      return ([x]) => [
        each(given(x, dtype), rows * columns, shape, (one) =>
          one instanceof Float32Array
            ? la.orthonormalize(one, rows, columns, { deficient, tolerance }).q
            : la.orthonormalize(one, rows, columns, { deficient, tolerance }).q,
        ),
      ];
    }
    case 'cholesky':
      return ([a]) => [
        each(given(a, dtype), rows * rows, shape, (one) => (one instanceof Float32Array ? la.cholesky(one, rows) : la.cholesky(one, rows))),
      ];
    case 'solveTriangular': {
      const { transpose } = operation;
      return ([l, b]) => {
        const factors = given(l, dtype);
        return [
          each(given(b, dtype), rows * columns, shape, (one, batch) => {
            const factor = factors.subarray(batch * rows * rows, (batch + 1) * rows * rows);
            if (one instanceof Float32Array && factor instanceof Float32Array)
              return la.solveTriangular(factor, one, rows, columns, { transpose });
            return la.solveTriangular(Float64Array.from(factor), Float64Array.from(one), rows, columns, { transpose });
          }),
        ];
      };
    }
    case 'concat':
      return (operands) => [concat(operands, operation.axis, shape, dtype)];
    default:
      return interpreted(node, operandShapes);
  }
}

const given = (tensor: HostTensor | undefined, dtype: DType): Floats => floats(dtype, tensor?.data ?? []);

const empty = (like: Floats, length: number): Floats =>
  like instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);

/** A function of every matrix of a batch. */
function each(data: Floats, count: number, shape: Shape, f: (one: Floats, batch: number) => Floats): Floats {
  const out = empty(data, size(shape));
  for (let start = 0; start < data.length; start += count) out.set(f(data.subarray(start, start + count), start / count), start);
  return out;
}

function eigh(la: Linalg, data: Floats, n: number): Floats[] {
  const [values, vectors] = [empty(data, data.length / n), empty(data, data.length)];
  for (let start = 0; start < data.length; start += n * n) {
    const one = data.subarray(start, start + n * n);
    const pair = one instanceof Float32Array ? la.eigh(one, n) : la.eigh(one, n);
    values.set(pair.values, start / n);
    vectors.set(pair.vectors, start);
  }
  return [values, vectors];
}

function concat(operands: readonly HostTensor[], axis: number, shape: Shape, dtype: DType): Floats {
  const inner = size(shape.slice(axis + 1));
  const outer = size(shape.slice(0, axis));
  const width = (shape[axis] ?? 0) * inner;
  const out = dtype === 'working' ? new Float32Array(outer * width) : new Float64Array(outer * width);
  let offset = 0;
  for (const { data, shape: own } of operands) {
    const length = (own[axis] ?? 0) * inner;
    for (let o = 0; o < outer; o++) out.set(data.subarray(o * length, (o + 1) * length), o * width + offset);
    offset += length;
  }
  return out;
}

/** As the reference backend does it, in f64: draws have the same bits there and here. */
function interpreted(node: Node, shapes: readonly Shape[]): HostKernel {
  const compute = singleNode(node, shapes);
  return (operands) => [floats(node.dtype, Float64Array.from(compute(operands.map(({ data }) => data))))];
}
