import type { Linalg } from '@opt/linalg';
import { type Contender, looped } from './contender.ts';
import { normals } from './random.ts';

/** A product of linear algebra at size n, ready to be called. Inputs are copied in and results out, as `linalg()` does. */
export const ownLinalg = (operation: string, n: number, library: Linalg): Contender => {
  const single = gramMatrix(n);
  const double = Float64Array.from(single);
  const [a, b] = [normals(n * n, 1), normals(n * n, 2)];
  const calls: Readonly<Record<string, () => unknown>> = {
    matmul: () => library.matmul(a, b, { m: n, n, k: n }),
    eigh: () => library.eigh(single, n),
    'eigh-f64': () => library.eigh(double, n),
    qr: () => library.qr(a, n, n),
    cholesky: () => library.cholesky(single, n),
  };
  const call = calls[operation];
  if (call === undefined) throw new Error(`no operation '${operation}'`);
  return looped(() => void call());
};

/** XXᵀ/n of a normal X: what a covariance looks like. */
export function gramMatrix(n: number): Float32Array {
  const x = normals(n * n, 3);
  const gram = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += (x[i * n + k] ?? 0) * (x[j * n + k] ?? 0);
      gram[i * n + j] = sum / n;
      gram[j * n + i] = sum / n;
    }
  }
  return gram;
}
