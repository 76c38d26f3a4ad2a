import type { Shape } from '@opt/core';
import type { Kernel } from './fusion.ts';
import type { BlockPlan } from './planned.ts';
import type { Region } from './region.ts';
import { aliased, constantOf, operand, type Type, type Value } from './values.ts';

/** A row-major tensor in linear memory: at a fixed address, or so many bytes behind the start of the scratch area. */
export interface Place {
  readonly address: number;
  readonly inArena: boolean;
  readonly shape: Shape;
  readonly type: Type;
}

/** An operand: something in memory, or all of what another product of the same group computes, perhaps in another shape. */
export interface Operand extends Place {
  readonly product: number | undefined;
}

/** A matrix product that somebody else computes: result ← α·op(a)·op(b) + β·c, over the last two axes; the others broadcast. */
export interface Product {
  readonly a: Operand;
  readonly b: Operand;
  readonly c: Operand | undefined;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly alpha: number;
  readonly beta: number;
  readonly result: Place;
  /** The result equals its transpose: half of it is enough. */
  readonly symmetric: boolean;
  /** Whether anybody outside of the group reads the result. */
  readonly kept: boolean;
}

/** What is handed over, group by group. */
export const productsOf = (plan: BlockPlan): readonly (readonly Product[])[] =>
  plan.turns.filter(({ handed }) => handed).map(({ kernels }) => groupOf(kernels, plan));

function groupOf(kernels: readonly Kernel[], plan: BlockPlan): readonly Product[] {
  const values = kernels.flatMap(({ work }) => (work.kind === 'call' ? [work.value] : []));
  const operandAt = (value: Value | undefined): Operand | undefined => {
    if (value === undefined) return undefined;
    const inside = aliased(value, (at) => values.includes(at)).value;
    const product = values.indexOf(inside);
    return { ...placeOf(value, plan.place(value)), product: product < 0 ? undefined : product };
  };
  const others = plan.turns.flatMap((turn) => (turn.kernels === kernels ? [] : turn.kernels));
  const kept = (value: Value): boolean => {
    const home = plan.home(value);
    return !home.arena || plan.copies.some(({ from }) => from === home) || others.some(({ reads }) => reads.has(value));
  };
  return values.flatMap((value) => {
    const [a, b, c] = [operandAt(operand(value, 0)), operandAt(operand(value, 1)), operandAt(value.inputs[3])];
    const { operation } = value;
    if (operation.op !== 'matmul' || a === undefined || b === undefined) return [];
    const { transposeA, transposeB } = operation;
    const factors = { alpha: constantOf(operand(value, 2)) ?? 1, beta: c === undefined ? 0 : (constantOf(operand(value, 4)) ?? 1) };
    const { symmetric } = value;
    return { a, b, c, transposeA, transposeB, ...factors, result: placeOf(value, plan.home(value)), symmetric, kept: kept(value) };
  });
}

const placeOf = ({ shape, type }: Value, { address, arena }: Region): Place => ({ address, inArena: arena, shape, type });
