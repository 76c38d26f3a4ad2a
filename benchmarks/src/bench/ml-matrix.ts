import { type Entry, looped, MissingPeer, missing } from './contender.ts';
import { gramMatrix } from './own-linalg.ts';
import { normals } from './random.ts';

const operations = ['matmul', 'eigh', 'eigh-f64', 'qr', 'cholesky'] as const;

/** ml-matrix computes in f64, whatever it is given. */
export function mlMatrix(operation: string, n: number): Entry {
  const name = 'ml-matrix (f64)';
  const known = operations.find((one) => one === operation);
  if (known === undefined) return missing(name, `ml-matrix has no ${operation}`);
  return {
    name,
    async make() {
      const { CholeskyDecomposition, EigenvalueDecomposition, Matrix, QrDecomposition } = await import('ml-matrix').catch(() => {
        throw new MissingPeer('ml-matrix is not installed');
      });
      const [a, b, gram] = [normals(n * n, 1), normals(n * n, 2), gramMatrix(n)].map((data) => Matrix.from1DArray(n, n, [...data]));
      if (a === undefined || b === undefined || gram === undefined) throw new Error('three matrices were made');
      const calls: Readonly<Record<(typeof operations)[number], () => unknown>> = {
        matmul: () => a.mmul(b),
        eigh: () => new EigenvalueDecomposition(gram, { assumeSymmetric: true }),
        'eigh-f64': () => new EigenvalueDecomposition(gram, { assumeSymmetric: true }),
        qr: () => {
          const qr = new QrDecomposition(a);
          return [qr.orthogonalMatrix, qr.upperTriangularMatrix];
        },
        cholesky: () => new CholeskyDecomposition(gram).lowerTriangularMatrix,
      };
      return looped(() => void calls[known]());
    },
  };
}
