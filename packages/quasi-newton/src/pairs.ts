import { identity, iota, mod, type Slot, type Tensor, where } from '@opt/core';

/** What is remembered of the Hessian: pairs (s, y) in the rows of rings, sᵀy > 0. */
export interface Pairs {
  /** h×n: moves, and the changes of the gradient along them. */
  readonly S: Tensor;
  readonly Y: Tensor;
  /** h×h: y_jᵀs_i in row j. */
  readonly products: Tensor;
  /** How many pairs were ever taken. */
  readonly taken: Tensor;
  /** γ = sᵀy/yᵀy of the newest. */
  readonly gamma: Tensor;
}

export const pairSlots = (h: number, n: number): Record<keyof Pairs, Slot> => ({
  S: { shape: [h, n], kind: 'invariant' },
  Y: { shape: [h, n], kind: 'invariant' },
  products: { shape: [h, h], kind: 'invariant', dtype: 'wide' },
  taken: { shape: [], kind: 'invariant', dtype: 'wide' },
  gamma: { shape: [], kind: 'invariant', dtype: 'wide', init: 1 },
});

/** xᵀy, in the best precision there is. */
export const dot = (x: Tensor, y: Tensor): Tensor => x.mul(y).sum().wide();

/** x times every row. */
const rowsTimes = (rows: Tensor, x: Tensor): Tensor =>
  rows
    .matmul(x.reshape([-1, 1]))
    .reshape([-1])
    .wide();

/** The sum of the rows, each times a weight. */
const combined = (weights: Tensor, rows: Tensor): Tensor => weights.working().reshape([1, -1]).matmul(rows).reshape([-1]);

/** With the pair (s, y) in place of the oldest where `when` is not 0. */
export function withPair({ S, Y, products, taken, gamma }: Pairs, s: Tensor, y: Tensor, curvature: Tensor, when: Tensor): Pairs {
  const [h = 1] = S.shape;
  const place = mod(taken, h);
  const moves = S.setRow(place, where(when, s, S.row(place)));
  const row = where(iota(h).wide().eq(place), curvature, rowsTimes(moves, y));
  return {
    S: moves,
    Y: Y.setRow(place, where(when, y, Y.row(place))),
    products: products.setRow(place, where(when, row, products.row(place))),
    taken: taken.add(when),
    gamma: where(when, curvature.div(dot(y, y)), gamma),
  };
}

/**
 * −Hg for the inverse Hessian H of the pairs: the two-loop recursion, whose loops are two triangular systems. With R_ij = s_iᵀy_j for
 * i ≤ j, oldest first, and E its diagonal,
 *
 *     Rα = −Sg    r = γ(−g − Yᵀα)    Rᵀδ = Eα − Yr    −Hg = r + Sᵀδ
 */
export function descent({ S, Y, products, taken, gamma }: Pairs, g: Tensor): Tensor {
  const [h = 1] = S.shape;
  const at = iota(h).wide();
  const column = at.reshape([h, 1]);
  // A row of the ring by its age, the oldest first, and back; rows that were never written come before all others.
  const byAge = mod(at.add(taken), h).int();
  const back = mod(at.sub(taken), h).int();
  const empty = at.add(taken).lt(h);
  const aged = (x: Tensor): Tensor => x.gather(byAge, 0);
  const ring = (x: Tensor): Tensor => x.reshape([h]).gather(back, 0);
  const known = at
    .le(column)
    .mul(empty.not())
    .mul(empty.reshape([h, 1]).not());
  const L = where(known, products.gather(byAge, 0).gather(byAge, 1), identity(h).wide());
  const diagonal = L.mul(identity(h).wide()).sum([1], { keep: true });

  const q = g.neg();
  const alpha = L.solveTriangular(aged(rowsTimes(S, q)).reshape([h, 1]), { transpose: true });
  const r = q.sub(combined(ring(alpha), Y)).mul(gamma.working());
  const delta = L.solveTriangular(diagonal.mul(alpha).sub(aged(rowsTimes(Y, r)).reshape([h, 1])));
  return r.add(combined(ring(delta), S));
}
