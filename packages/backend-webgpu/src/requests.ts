import { BackendError, type Program } from '@opt/core';
import type { Factorization, Factorizations } from './dispatch.ts';
import { eighLimit } from './factorizations/eigh/eigh.ts';
import { orthonormalizeLimit } from './factorizations/orthonormalize/orthonormalize.ts';
import { operand, type Value } from './plan/value.ts';

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

/** Whether a program has a factorisation that is too large for the device. */
export const anyTooLarge = ({ nodes }: Program): boolean =>
  nodes.some(({ operation, inputs: [source = -1] }) => {
    const columns = nodes[source]?.shape.at(-1) ?? 0;
    return (operation.op === 'eigh' && columns > eighLimit) || (operation.op === 'orthonormalize' && columns > orthonormalizeLimit);
  });

export const tooLarge = ({ operation, inputs: [source] }: Value, remedy: string): BackendError =>
  new BackendError(`webgpu: '${operation.op}' of [${source?.shape}] is too large for the device; ${remedy}`);
