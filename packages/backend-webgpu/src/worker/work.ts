import { type Factorization, factorize, sharedLinalg } from '@opt/linalg';

/** A factorisation of every matrix of a batch: plain data. */
export interface Work {
  readonly factorization: Factorization;
  /** Of the last operand: [batch, rows, columns]. */
  readonly shape: readonly number[];
  readonly operands: readonly Float32Array<ArrayBuffer>[];
}

/** Does the work by the wasm kernels; results one after another, of eigenproblems all values before all vectors. */
export function perform({ factorization, operands, shape }: Work): Float32Array<ArrayBuffer> {
  const results = factorize(sharedLinalg(), factorization, operands, shape);
  const all = new Float32Array(results.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const result of results) {
    all.set(result, at);
    at += result.length;
  }
  return all;
}
