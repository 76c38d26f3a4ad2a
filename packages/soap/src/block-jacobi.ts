import { alongAxis, concat, identity, iota, mod, scalar, type Tensor, where } from '@opt/core';
import { inOrder, type Powers, powers, sound } from './refresh.ts';
import type { Turn } from './turn.ts';

/** Blocks the columns of a basis are divided into; two of them are turned at a time. */
const blocks = 4;

/** Pairs of blocks: after as many refreshes every two columns have met. */
const pairs = (blocks * (blocks - 1)) / 2;

/** Below this a whole refresh costs next to nothing. */
const smallest = 32;

/** Whether an axis of this length is refreshed by blocks. */
export const divides = (d: number): boolean => d >= smallest;

/** Columns that are turned together, and where each of all columns is then found in [those, all]. */
export interface Chosen {
  readonly index: Tensor;
  readonly places: Tensor;
}

/**
 * The columns of refresh `turn` (from 0) of a basis of d: two of four blocks of ⌊d/4⌋, ascending, so that what is sorted within two stays
 * sorted for the others. In the order of a round-robin tournament all pairs of blocks meet within six refreshes. Where d is no multiple
 * of four, up to three columns are left out, others after every six.
 */
export function chosenColumns(d: number, turn: Tensor): Chosen {
  const w = Math.floor(d / blocks);
  const rest = d - blocks * w;
  const gap = rest === 0 ? scalar(d) : mod(turn.div(pairs).floor(), d - rest + 1);
  // {0, 1}, {0, 2}, {0, 3}, then the two that are left of each: {2, 3}, {1, 3}, {1, 2}.
  const round = mod(turn, blocks - 1);
  const left = mod(turn, pairs).ge(blocks - 1);
  const first = where(left, where(round.eq(0), 2, 1), 0);
  const second = where(left, where(round.eq(2), 2, 3), round.add(1));
  const place = iota(2 * w);
  const at = where(place.lt(w), place.add(first.mul(w)), place.add(second.sub(1).mul(w)));
  const index = where(at.lt(gap), at, at.add(rest)).int();
  const column = iota(d);
  const stays = column.add(2 * w);
  const counted = where(column.lt(gap), column, column.sub(rest));
  const block = counted.div(w).floor();
  const within = counted.sub(block.mul(w));
  const found = where(block.eq(first), within, where(block.eq(second), within.add(w), stays));
  const out = column.ge(gap).mul(column.lt(gap.add(rest)));
  return { index, places: where(out, stays, found).int() };
}

/**
 * One rotation of a block Jacobi method: S = Q_cᵀAQ_c of the chosen columns is to take the place of A, and the identity that of Q. Rounding
 * of many rotations is taken back by a Newton step towards the polar factor of Q_c, I − (Q_cᵀQ_c − I)/2: what departs from orthonormal
 * by δ departs by δ² afterwards.
 */
export function blockPowers(A: Tensor, Q: Tensor, { index }: Chosen): { readonly p: Powers; readonly polar: Tensor } {
  const own = Q.gather(index, 1);
  const one = identity(index.shape[0] ?? 1);
  const S = own.matmul(A.matmul(own), { transposeA: true });
  const polar = one.mul(1.5).sub(own.matmul(own, { transposeA: true }).mul(0.5));
  // What counts as nothing is measured by the whole of A, whose squares need not be numbers.
  const largest = A.abs().maximum();
  const unit = where(largest.gt(0), largest, 1);
  const length = A.div(unit).square().sum().sqrt().mul(unit);
  return { p: powers(S, one, S, length), polar };
}

/** What a rotation of the chosen columns does, from what came back of their iteration: R and the order of its columns. */
export function turnOfBlocks(
  A: Tensor,
  { Q: found, order, index, places, polar }: Chosen & Readonly<Record<'Q' | 'order' | 'polar', Tensor>>,
): Turn {
  const k = index.shape[0] ?? 1;
  const good = sound(A, found);
  const R = where(good, found, identity(k));
  const ordered = index.gather(inOrder(good, order), 0);
  const put = (part: Tensor, whole: Tensor, axis: number): Tensor => concat([part, whole], axis).gather(places, axis);
  return {
    basis: (Q) => put(Q.gather(index, 1).matmul(polar.matmul(R)), Q, 1),
    // By R alone: the correction is below what m holds.
    vector: (m, axis) => put(alongAxis(m.gather(index, axis), axis, R, { transpose: true }), m, axis),
    diagonal: (v, axis) => put(v.gather(ordered, axis), v, axis),
  };
}
