import { type Linalg, linalg } from '@opt/linalg';

/** Factorisations of matrices one after another in `operands[0]`, with what belongs to each in `operands[1]`: plain data. */
export type Work = { readonly rows: number; readonly columns: number; readonly operands: readonly Float32Array<ArrayBuffer>[] } & (
  | { readonly op: 'eigh' | 'cholesky' }
  | { readonly op: 'orthonormalize'; readonly deficient: 'zero' | 'complete'; readonly tolerance: number }
  | { readonly op: 'solveTriangular'; readonly transpose: boolean }
);

let instance: Linalg | undefined;
/** One for all: it keeps nothing between calls. */
const algebra = (): Linalg => {
  instance ??= linalg();
  return instance;
};

/** Does the work by the wasm kernels. Of eigenproblems, all values come before all vectors. */
export function perform(work: Work): Float32Array<ArrayBuffer> {
  const { rows, columns } = work;
  const [a = new Float32Array(0), b = new Float32Array(0)] = work.operands;
  const count = a.length / (rows * columns);
  const part = (data: Float32Array<ArrayBuffer>, i: number): Float32Array<ArrayBuffer> =>
    data.slice((i * data.length) / count, ((i + 1) * data.length) / count);
  const out = new Float32Array(work.op === 'eigh' ? a.length + count * rows : work.op === 'solveTriangular' ? b.length : a.length);
  for (let i = 0; i < count; i++) {
    const one = part(a, i);
    switch (work.op) {
      case 'eigh': {
        const { values, vectors } = algebra().eigh(one, rows);
        out.set(values, i * rows);
        out.set(vectors, count * rows + i * rows * rows);
        break;
      }
      case 'orthonormalize': {
        const { deficient, tolerance } = work;
        out.set(algebra().orthonormalize(one, rows, columns, { deficient, tolerance }).q, i * rows * columns);
        break;
      }
      case 'cholesky':
        out.set(algebra().cholesky(one, rows), i * rows * rows);
        break;
      case 'solveTriangular': {
        const right = part(b, i);
        out.set(algebra().solveTriangular(one, right, rows, right.length / rows, { transpose: work.transpose }), i * right.length);
        break;
      }
    }
  }
  return out;
}
