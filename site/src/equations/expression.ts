import type { DType, Operation, Shape } from '@opt/core';

/** Something with a name: what goes into a step, what an earlier line has computed, what a loop carries. */
export interface Name {
  readonly kind: 'name';
  readonly id: string;
  readonly shape: Shape;
}

/** A number that is known when the step is compiled. */
export interface Constant {
  readonly kind: 'constant';
  readonly value: number;
  /** Of a tensor that is this number everywhere. */
  readonly shape: Shape;
}

/** An operation of a program on expressions. Of a `repeat`, the arguments are what is carried and captured. */
export interface Apply {
  readonly kind: 'apply';
  readonly operation: Operation;
  readonly args: readonly Expression[];
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What a program's node is read as. Printing and evaluating walk the same tree. */
export type Expression = Name | Constant | Apply;

/** `id = value`. */
export interface Definition {
  readonly kind: 'definition';
  readonly id: string;
  readonly shape: Shape;
  readonly value: Expression;
}

/** `times` rounds of `body`, after which every `carried` name holds the value of its `next`; it ends early where `until` is not 0. */
export interface Loop {
  readonly kind: 'loop';
  readonly times: number;
  readonly carried: readonly { readonly id: string; readonly shape: Shape; readonly start: Expression; readonly next: Expression }[];
  readonly body: readonly Statement[];
  readonly until: { readonly statements: readonly Statement[]; readonly value: Expression } | undefined;
}

export type Statement = Definition | Loop;

export const constant = (value: number, shape: Shape = []): Constant => ({ kind: 'constant', value, shape });

export const apply = (operation: Operation, args: readonly Expression[], shape: Shape = [], dtype: DType = 'wide'): Apply => ({
  kind: 'apply',
  operation,
  args,
  shape,
  dtype,
});

export const isConstant = (expression: Expression | undefined, value?: number): expression is Constant =>
  expression?.kind === 'constant' && (value === undefined || expression.value === value);

/** Whether it is the application of `op`, whose arguments then can be looked at. */
export const isOp = (expression: Expression | undefined, op: Operation['op']): expression is Apply =>
  expression?.kind === 'apply' && expression.operation.op === op;

export const shapeOf = (expression: Expression): Shape => expression.shape;
