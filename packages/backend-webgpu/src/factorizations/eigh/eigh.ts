import type { Factorization } from '../../dispatch.ts';
import { tile } from '../kernel.ts';
import { eighBlocks, scratchOfBlocks } from './blocks.ts';
import { eighSmall } from './small.ts';

/** The largest matrix that is worth its dispatches, about a thousand there (60 n/32): above it, ask the host. */
export const eighLimit = 512;

/**
 * ½(A + Aᵀ) = V·diag(λ)·Vᵀ for A [batch, n, n], by Jacobi rotations. The output holds all eigenvalues, ascending, [batch, n], then all
 * eigenvectors, in columns, [batch, n, n]. The tolerance is relative to the matrix: 0 gives 0 and I. NaN and infinities give NaN.
 */
export function eigh({ n, batch }: { readonly n: number; readonly batch: number }): Factorization {
  return {
    scratch: n <= tile ? [] : scratchOfBlocks(n, batch),
    dispatches({ inputs: [input], output, scratch }) {
      if (input === undefined) return [];
      return n <= tile ? [eighSmall(n, batch, input, output)] : eighBlocks(n, batch, input, output, scratch);
    },
  };
}
