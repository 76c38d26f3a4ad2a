import { BackendError } from '@opt/core';
import type { Factorization, Factorizations } from './dispatch.ts';
import { operand, type Value } from './plan/values.ts';

/** The factorisation a value asks for, of a batch of `count` operands like its own; undefined where it is too large for the device. */
export function factorizationOf(value: Value, count: number, factorizations: Factorizations): Factorization | undefined {
  const { operation } = value;
  const source = operand(value, 0);
  const [rows = 1, columns = 1] = source.shape.slice(-2);
  const batch = (count * source.size) / (rows * columns);
  switch (operation.op) {
    case 'eigh':
      return factorizations.eigh(batch, rows);
    case 'orthonormalize':
      return factorizations.orthonormalize(batch, rows, columns, operation.deficient, operation.tolerance);
    case 'cholesky':
      return factorizations.cholesky(batch, rows);
    case 'solveTriangular':
      return factorizations.solveTriangular(batch, rows, operand(value, 1).shape.at(-1) ?? 1, operation.transpose);
    default:
      return undefined;
  }
}

export const tooLarge = ({ operation, inputs: [source] }: Value, remedy: string): BackendError =>
  new BackendError(`webgpu: '${operation.op}' of [${source?.shape}] is too large for the device; ${remedy}`);
