import type { Kernels } from '@opt/linalg';
import type { Kernel } from './fusion.ts';
import { bytesOf, operand, real } from './values.ts';

/** Bytes a kernel needs beside its operands and its result. */
export function scratchBytes({ work }: Kernel, sizes: Kernels | undefined): number {
  if (work.kind !== 'call' || sizes === undefined) return 0;
  const { value } = work;
  const { operation, shape, type } = value;
  const z = bytesOf[real(type)];
  const [rows = 1, columns = 1] = shape.slice(-2);
  switch (operation.op) {
    case 'matmul': {
      const inner = operand(value, 0).shape.at(operation.transposeA ? -2 : -1) ?? 1;
      return sizes.gemmScratchBytes(z, rows, columns, inner);
    }
    case 'eigh':
      return sizes.eighScratchBytes(z, columns);
    case 'orthonormalize':
      return sizes.orthonormalizeScratchBytes(z, rows, columns);
    case 'cholesky':
      return sizes.choleskyScratchBytes(z, rows);
    case 'solveTriangular':
      return sizes.solveTriangularScratchBytes(z, rows, columns);
    case 'argsort':
      // Two orders, the one being merged and the one being made.
      return 8 * (shape.at(-1) ?? 1);
    default:
      return 0;
  }
}
