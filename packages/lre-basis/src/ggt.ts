import { allFinite, concat, integer, iota, mod, resolve, sameTensor, type Tensor, where } from '@opt/core';
import type { CorrectionKind, Factors, Known, LowRankBasis, UpdateStep } from './low-rank-basis.ts';
import { activeEigh, regularise, roundOptions } from './regularise.ts';

export interface GgtOptions {
  /** h: how many correction columns are kept, integer ≥ 1, default 100. */
  readonly historySize?: number;
  /** How many eigenpairs are kept; null (default): all. */
  readonly truncate?: number | null;
  /** Least eigenvalue kept, as a fraction of the largest; [0, 1), default 1e-5; null: all are kept. */
  readonly eigTol?: number | null;
  /** Added to the Gram matrix, ≥ 0, default 0: directions below it are shortened. */
  readonly damping?: number;
  /** Added to the eigenvalues, as a fraction of the largest, ≥ 0, default 0. */
  readonly rdamping?: number;
  /** Take eigenvalues by magnitude. Default false: negative ones are dropped. */
  readonly abs?: boolean;
}

/**
 * GGT (Agarwal et al. 2018): the sum of the last h corrections. With them in the rows of H and MᵀM = K = HHᵀ = VΛVᵀ,
 *
 *     Q = HᵀVΛ^−½ = HᵀWᵀ      L = Λ
 *
 * Q is never formed: Qᵀx = W(Hx), Qu = Hᵀ(Wᵀu). A new column changes one row of H, in place, and one row and column of K, whose
 * entries also carry the state inside: Q_newᵀQ_old = W_new(H_newH_oldᵀ)W_oldᵀ. Two passes over H a step in all. Corrections of either
 * sign, HᵀDH with D = diag(α), are decomposed in the range of H.
 */
export function ggt(options: GgtOptions = {}): LowRankBasis {
  const {
    historySize: h,
    truncate,
    eigTol: tol,
    damping,
    rdamping,
    abs,
  } = resolve('ggt', options, {
    historySize: integer(100),
    ...roundOptions(1e-5),
  });
  const rowsOf = ({ asymmetric }: CorrectionKind): number => (asymmetric ? 2 * h : h);
  const magnitude = (values: Tensor, active: Tensor): Tensor => (abs ? where(active, values.abs(), values) : values);

  /** W and what belongs to it, for a Gram matrix of which `used` rows are in use. */
  function decompose(K: Tensor, used: Tensor, D: Tensor | undefined, epsilon: number) {
    const [n = 0] = K.shape;
    const diagonal = iota(n).reshape([n, 1]).eq(iota(n));
    const shift = (mask: Tensor): Tensor => diagonal.mul(mask.mul(damping));
    if (D === undefined) {
      const { values, vectors, active } = activeEigh(damping === 0 ? K : K.add(shift(used)), used);
      const { L, kept } = regularise(magnitude(values, active), active, { tol, truncate, damping: 0, rdamping }, epsilon);
      const root = where(kept, where(kept, magnitude(values, active), 1).sqrt().reciprocal(), 0);
      return { W: vectors.T.mul(root.reshape([n, 1])), L, kept, ok: allFinite(values) };
    }
    const gram = activeEigh(K, used);
    const range = gram.active.mul(gram.values.gt(gram.values.maximum().mul(10 * n * epsilon)));
    const root = where(range, where(range, gram.values, 1).sqrt(), 0);
    const inverse = where(range, where(range, gram.values, 1).sqrt().reciprocal(), 0);
    const half = gram.vectors.mul(root);
    const small = half.matmul(D.matmul(half), { transposeA: true });
    const { values, vectors, active } = activeEigh(damping === 0 ? small : small.add(shift(range)), range);
    const { L, kept } = regularise(magnitude(values, active), active, { tol, truncate, damping: 0, rdamping }, epsilon);
    const W = vectors.matmul(gram.vectors.mul(inverse), { transposeA: true, transposeB: true }).mul(kept.reshape([n, 1]));
    return { W, L, kept, ok: allFinite(values) };
  }

  return {
    name: 'ggt',
    eigenvalues: true,
    asymmetric: true,
    signed: true,
    width: (_, kind) => rowsOf(kind),
    declare(owner, d, kind, at) {
      const n = rowsOf(kind);
      at.slot('H', owner, { shape: [n, d], kind: 'invariant' });
      at.slot('K', owner, { shape: [n, n], kind: 'invariant', dtype: 'wide', symmetric: true });
      at.slot('W', owner, { shape: [n, n], kind: 'invariant', dtype: 'wide' });
      at.slot('L', owner, { shape: [n], kind: 'invariant', dtype: 'wide' });
      at.slot('active', owner, { shape: [n], kind: 'invariant' });
      if (kind.signed) at.slot('alpha', owner, { shape: [h], kind: 'invariant', init: 1 });
      at.slot('place', owner, { shape: [], kind: 'invariant' });
      at.slot('filled', owner, { shape: [], kind: 'invariant' });
    },
    read(owner, site, known) {
      const factors = implicit(site.get('H', owner), site.get('W', owner), known);
      const L = site.get('L', owner);
      return { whole: { ...factors, L }, kept: { ...factors, L, active: site.get('active', owner) } };
    },
    update({ owner, site, Y: given, Z: givenZ, alpha: givenAlpha, kind }: UpdateStep) {
      // More columns than there is room for: the last ones stay.
      const late = (x: Tensor): Tensor => x.slice([Math.max(0, (x.shape[0] ?? 0) - h)]);
      const Y = late(given);
      const [k = 0] = Y.shape;
      const [H, K, W] = [site.get('H', owner), site.get('K', owner), site.get('W', owner)];
      const [place, filled] = [site.get('place', owner), site.get('filled', owner)];
      const at = Array.from({ length: k }, (_, j) => mod(place.add(j), h));
      const rows = kind.asymmetric ? concat([Y, late(givenZ ?? given)]) : Y;
      const places = kind.asymmetric ? [...at, ...at.map((p) => p.add(h))] : at;
      const write = (matrix: Tensor, values: Tensor): Tensor => places.reduce((written, p, j) => written.setRow(p, values.row(j)), matrix);

      const before = rows.matmul(H, { transposeB: true }).wide();
      const own = rows.matmul(rows, { transposeB: true }).wide();
      const after = write(before.T, own).T;
      const cross = write(K, before);
      const K1 = write(write(K, after).T, after);
      const filled1 = filled.add(k).min(h);
      const inUse = iota(h).lt(filled1);
      const alpha = kind.signed
        ? at.reduce(
            (all, p, j) => all.setRow(p, givenAlpha === undefined ? filled.mul(0).add(1) : late(givenAlpha).row(j)),
            site.get('alpha', owner),
          )
        : undefined;
      const used = kind.asymmetric ? concat([inUse, inUse]) : inUse;
      const next = decompose(K1, used, signs(alpha, h, kind), site.epsilon);
      return {
        writes: {
          H: write(H, rows),
          K: K1,
          W: next.W,
          L: next.L,
          active: next.kept,
          place: mod(place.add(k), h),
          filled: filled1,
          ...(alpha && { alpha }),
        },
        C: next.W.matmul(cross).matmul(W, { transposeB: true }).working(),
        ok: next.ok,
        known: { rows, before, after },
      };
    },
  };
}

/** D with A = HᵀDH; absent where it is the identity. */
function signs(alpha: Tensor | undefined, h: number, { asymmetric }: CorrectionKind): Tensor | undefined {
  if (alpha === undefined && !asymmetric) return undefined;
  const identity = iota(h).reshape([h, 1]).eq(iota(h));
  const D = (alpha === undefined ? identity : identity.mul(alpha)).wide();
  if (!asymmetric) return D;
  const half = D.mul(0.5);
  return concat([concat([half.mul(0), half], 1), concat([half, half.mul(0)], 1)]);
}

/** Q = HᵀWᵀ without forming it. */
function implicit(H: Tensor, W: Tensor, known: Known | undefined): Factors {
  const products = (X: Tensor): Tensor =>
    known !== undefined && sameTensor(known.rows, X) ? known.products : X.matmul(H, { transposeB: true }).wide();
  return {
    down: (X) => products(X).matmul(W, { transposeB: true }).working(),
    up: (U) => U.wide().matmul(W).working().matmul(H),
  };
}
