import { type Block, type Operation, size } from '@opt/core';
import { found } from './found.ts';
import type { Value } from './value.ts';

/** Elements up to which one workgroup computes a tensor sooner than several can be waited for. */
const few = 2048;

/** Operations that are no shader of their own, or one with barriers. */
const large: ReadonlySet<string> = new Set(['eigh', 'orthonormalize', 'cholesky', 'solveTriangular', 'argsort', 'repeat']);

/** Whether one workgroup does such a block sooner than several. */
export const isSmall = ({ nodes }: Block): boolean => nodes.every(({ operation, shape }) => size(shape) <= few && !large.has(operation.op));

export const loopOf = ({ operation }: Value): Extract<Operation, { op: 'repeat' }> =>
  found(operation.op === 'repeat' ? operation : undefined, 'a loop');
