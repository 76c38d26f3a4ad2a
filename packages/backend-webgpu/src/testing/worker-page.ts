import { Host } from '../host.ts';

/** In a page: Cholesky's factor of a 2×2 matrix, and whether a worker found it. */
globalThis.optFactorize = async (matrix) => {
  const host = new Host();
  const factor = [...(await host.factorize({ factorization: { op: 'cholesky' }, shape: [2, 2], operands: [Float32Array.from(matrix)] }))];
  const { worker } = host;
  host.end();
  return { factor, worker };
};

declare global {
  var optFactorize: (matrix: readonly number[]) => Promise<{ readonly factor: readonly number[]; readonly worker: boolean }>;
}
