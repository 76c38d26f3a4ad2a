import { required, type Site, type Tensor, type Tensors, where } from '@opt/core';
import { blockPowers, chosenColumns, divides, turnOfBlocks } from './block-jacobi.ts';
import { diagonalises, inOrder, inSlots, orthonormal, powers, sorted, sound, unlessStill, unsorted } from './refresh.ts';
import { type Turn, turnOfAll } from './turn.ts';

export interface RefreshOptions {
  readonly preconditionFrequency: number;
  readonly sortOnRefresh: boolean;
  readonly refresh: 'qr' | 'block-jacobi';
  readonly refreshTolerance: number | null;
}

/** The basis of one axis: where it is kept, A and Q as they are, and whether it is time. */
export interface Due {
  readonly slot: string;
  readonly owner: string;
  readonly due: boolean;
  readonly A: Tensor;
  readonly Q: Tensor;
}

/** Refreshes as the options say, or leaves the basis as it is. */
export function refresher(o: RefreshOptions): (site: Site, side: Due) => Turn | undefined {
  const iteration = o.sortOnRefresh ? sorted : unsorted;
  const whole = o.sortOnRefresh ? orthonormal : inSlots;

  function inputs(site: Site, { owner, A, Q }: Due): Tensors {
    const d = A.shape[0] ?? 1;
    const blocks = o.refresh === 'block-jacobi' && divides(d);
    const chosen = blocks ? chosenColumns(d, site.count(owner).sub(1).div(o.preconditionFrequency).floor().sub(1)) : undefined;
    const { p, ...polar } = chosen === undefined ? { p: powers(A, Q) } : blockPowers(A, Q, chosen);
    const still = o.refreshTolerance === null ? undefined : { Q: p.Q, still: diagonalises(p, o.refreshTolerance) };
    return { ...iteration(p), ...still, ...chosen, ...polar };
  }

  /** Reads nothing but its inputs: it may be computed beside the steps. */
  function compute(given: Tensors): Tensors {
    const of = (name: string): Tensor => required(given, name, 'input');
    const one = { matrix: of('matrix'), order: of('order'), kept: of('kept') };
    const { still, Q, index, places, polar } = given;
    const found = still && Q ? unlessStill(whole)({ ...one, still, Q }) : whole(one);
    return index && places && polar ? { ...found, index, places, polar } : found;
  }

  return (site, side) => {
    const { slot, owner, due, A, Q } = side;
    const found = site.later(slot, owner, due, () => inputs(site, side), compute);
    if (found === undefined) return undefined;
    const next = required(found, 'Q', 'result');
    const { order, index, places, polar } = found;
    if (order && index && places && polar) return turnOfBlocks(A, { Q: next, order, index, places, polar });
    const good = sound(A, next);
    return turnOfAll(where(good, next, Q), order && inOrder(good, order));
  };
}
