import type { Operation, Shape } from '@opt/core';
import { found } from './found.ts';

/**
 * What a value is. Casts between precisions are gone, since everything is f32 here, and so are matmul's factors: `product` is the bare
 * op(a)·op(b), what is multiplied and added is elementwise work after it. `copy` puts a value into memory of its own. `partial`
 * is a reduction of slices of the reduced elements, one result each, which a second reduction joins. `any` is 1 if an element of one of
 * its operands, truth values all, is 1, and else 0: a flag that whoever finds one raises.
 */
export type ValueOperation =
  | Exclude<Operation, { readonly op: 'matmul' }>
  | { readonly op: 'copy' }
  | { readonly op: 'any' }
  | { readonly op: 'product'; readonly transposeA: boolean; readonly transposeB: boolean; readonly slices: number }
  | { readonly op: 'partial'; readonly kind: 'sum' | 'maximum'; readonly axes: readonly number[]; readonly slices: number };

export interface Value {
  readonly id: number;
  readonly operation: ValueOperation;
  readonly inputs: readonly Value[];
  readonly shape: Shape;
  readonly size: number;
  readonly symmetric: boolean;
}

export const operand = (value: Value, i: number): Value => found(value.inputs[i], `operand ${i} of '${value.operation.op}'`);
