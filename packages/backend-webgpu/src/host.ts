import { BackendError } from '@opt/core';
import { type Linalg, linalg } from '@opt/linalg';
import { operand, type Value } from './plan/values.ts';

let instance: Linalg | undefined;
/** One for all: it keeps nothing between calls. */
const algebra = (): Linalg => {
  instance ??= linalg();
  return instance;
};

/** A factorisation of `count` operands like those of `value`, one after the other, by the wasm kernels. */
export function factorize(value: Value, count: number, [a, b]: readonly Float32Array<ArrayBuffer>[]): Float32Array<ArrayBuffer> {
  const { operation } = value;
  const [rows = 1, columns = 1] = operand(value, 0).shape.slice(-2);
  const out = new Float32Array(count * value.size);
  if (a === undefined) throw new BackendError(`webgpu: '${operation.op}' has no operand`);
  const matrices = a.length / (rows * columns);
  const matrix = (data: Float32Array<ArrayBuffer>, i: number): Float32Array<ArrayBuffer> =>
    data.slice((i * data.length) / matrices, ((i + 1) * data.length) / matrices);
  for (let i = 0; i < matrices; i++) {
    const one = matrix(a, i);
    switch (operation.op) {
      case 'eigh': {
        const { values, vectors } = algebra().eigh(one, rows);
        out.set(values, i * rows);
        out.set(vectors, matrices * rows + i * rows * rows);
        break;
      }
      case 'orthonormalize': {
        const { deficient, tolerance } = operation;
        out.set(algebra().orthonormalize(one, rows, columns, { deficient, tolerance }).q, i * rows * columns);
        break;
      }
      case 'cholesky':
        out.set(algebra().cholesky(one, rows), i * rows * rows);
        break;
      case 'solveTriangular': {
        const right = matrix(b ?? new Float32Array(0), i);
        const { transpose } = operation;
        out.set(algebra().solveTriangular(one, right, rows, right.length / rows, { transpose }), i * right.length);
        break;
      }
      default:
        throw new BackendError(`webgpu: '${operation.op}' is no factorisation`);
    }
  }
  return out;
}
