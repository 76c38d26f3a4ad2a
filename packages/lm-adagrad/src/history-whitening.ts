import {
  type Hyper,
  iota,
  mod,
  perTensor,
  type Shape,
  type Site,
  type Slot,
  saturate,
  scaled,
  size,
  type Tensor,
  type TensorStep,
  type Transform,
  where,
} from '@opt/core';

export interface HistoryWhiteningOptions {
  readonly name: string;
  readonly historySize: number;
  readonly epsilon: Hyper;
  readonly centered: boolean;
  readonly momentum: Hyper;
  readonly momentumMode: 'gradient' | 'update';
  readonly damping: 'adagrad' | 'ggt';
}

/**
 * u = M·f(MᵀM)·(Mᵀx) without a decomposition of M: one pass for the dot products Mᵀg, one for the combination of gradients, and
 * k×k matrices in between. The history M is kept in rows, as a ring that is written in place; a new gradient changes one row and
 * one column of its Gram matrix K.
 */
export function historyWhitening(options: HistoryWhiteningOptions): Transform {
  const { name, historySize: k, centered, momentumMode, damping, epsilon, momentum } = options;
  const slots = ({ shape }: { readonly shape: Shape }): Record<'history' | 'K', Slot> => ({
    history: { shape: [k, size(shape)], kind: 'invariant' },
    K: { shape: [k, k], kind: 'invariant', dtype: 'wide', symmetric: true },
  });

  /** The direction for x in place of the gradient, and the state with the gradient in it. */
  function whiten(
    { update, state, hyper, count: t, site }: TensorStep<'history' | 'K', 'epsilon'>,
    x?: Tensor,
  ): { u: Tensor; history: Tensor; K: Tensor } {
    const place = mod(t.sub(1), k);
    const g = within(update, k, site);
    const history = state.history.setRow(place, g);
    const dots = products(history, g);
    const K = state.K.setRow(place, dots).T.setRow(place, dots);
    const y = x === undefined ? dots : products(history, x);
    // What is said of K and y holds for the centred ones as well: J K J, J y, and J c at the end.
    const J = centered ? centring(iota(k).lt(t), t.min(k)) : undefined;
    const c = coefficients(J?.matrix(K) ?? K, J?.vector(y) ?? y, hyper.epsilon, damping, site.epsilon);
    const u = (J?.vector(c) ?? c).working().reshape([1, k]).matmul(history).reshape([-1]);
    return { u, history, K };
  }

  if (momentum.value === 0) {
    return perTensor({
      name,
      hyper: { epsilon },
      state: slots,
      apply(step) {
        const { u, ...state } = whiten(step);
        return { update: u.reshape(step.update.shape), state };
      },
    });
  }
  return perTensor({
    name,
    hyper: { epsilon, momentum },
    state: ({ shape }) => ({ ...slots({ shape }), b: { shape: [size(shape)], kind: 'vector' } }),
    apply(step) {
      const { shape } = step.update;
      const average = (x: Tensor): Tensor => step.state.b.lerp(x, step.hyper.momentum.not());
      if (momentumMode === 'gradient') {
        const b = average(within(step.update, k, step.site));
        const { u, ...state } = whiten(step, b);
        return { update: u.reshape(shape), state: { ...state, b } };
      }
      const { u, ...state } = whiten(step);
      const b = average(u);
      return { update: b.reshape(shape), state: { ...state, b } };
    },
  });
}

/** A gradient as a vector, kept short enough for its products with k others, and their sum, to be finite. */
const within = (g: Tensor, k: number, { largest }: Site): Tensor => saturate(g, largest, 2, 4 * k * size(g.shape)).reshape([-1]);

/** The dot product of every gradient of the history with x, in the best precision there is. */
const products = (history: Tensor, x: Tensor): Tensor =>
  history
    .matmul(x.reshape([-1, 1]))
    .reshape([-1])
    .wide();

/** J = I − 11ᵀ/s over the s columns in use, applied to what has as many entries as the history. */
function centring(used: Tensor, s: Tensor): { vector(x: Tensor): Tensor; matrix(K: Tensor): Tensor } {
  const [k = 1] = used.shape;
  const vector = (x: Tensor): Tensor => x.sub(x.sum().div(s)).mul(used);
  return {
    vector,
    matrix(K) {
      const means = K.sum([0]).div(s);
      const both = K.sub(means)
        .sub(means.reshape([k, 1]))
        .add(means.sum().div(s));
      return both.mul(used).mul(used.reshape([k, 1]));
    },
  };
}

/**
 * c with M·c = U(Σ²+ε)^−½Uᵀx, from K = MᵀM and y = Mᵀx. Equilibrated first, w = diag(K)^−½, so that neither a spike nor a
 * small gradient loses the others; directions of wKw below the tolerance are not resolved by the dot products and dropped. K and y are
 * divided by the largest entry of K, σ², so that their squares are finite.
 */
function coefficients(given: Tensor, products: Tensor, epsilon: Tensor, damping: 'adagrad' | 'ggt', machineEpsilon: number): Tensor {
  const [k = 1] = products.shape;
  const { root, by } = scaled([given]);
  const K = by(given);
  const y = products.div(root).div(root);
  const tolerance = machineEpsilon < 1e-12 ? 1e-12 : 1e-6;
  const diagonal = K.mul(iota(k).reshape([k, 1]).eq(iota(k))).sum([0]);
  const w = where(diagonal.gt(0), diagonal.sqrt().reciprocal(), 0);
  const { values, vectors } = w.reshape([k, 1]).mul(K).mul(w).eigh();
  const kept = values.gt(tolerance);
  const T = w
    .reshape([k, 1])
    .mul(vectors)
    .mul(where(kept, where(kept, values, 1).sqrt().reciprocal(), 0));
  const R = T.matmul(K, { transposeA: true });
  const { values: squares, vectors: P } = R.matmul(R, { transposeB: true }).eigh();
  const s = squares.max(0).mul(root).mul(root);
  const damped = s.add(epsilon).sqrt().reciprocal();
  const factor = damping === 'adagrad' ? damped : s.mul(damped).mul(damped).mul(damped);
  const rotated = P.matmul(T.matmul(y.reshape([k, 1]), { transposeA: true }), { transposeA: true });
  return T.matmul(P)
    .matmul(factor.reshape([k, 1]).mul(rotated))
    .reshape([k]);
}
