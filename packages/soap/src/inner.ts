import {
  debias,
  type Hyper,
  normalized,
  perTensor,
  required,
  type Shape,
  saturate,
  schatten4,
  size,
  type Tensor,
  type TensorChange,
  type Transform,
} from '@opt/core';

/** What sets the direction in the basis apart from Adam's. */
export interface InnerOptions {
  readonly beta1: Hyper;
  readonly beta2: Hyper;
  readonly epsilon: Hyper;
  readonly correctBias: boolean;
  /** The first call comes without a basis, and moves along the raw momentum. */
  readonly raw: boolean;
  readonly nesterov: boolean;
  readonly secondMomentOf: 'gradient' | 'direction';
  readonly denominator: 'sum' | 'max';
  readonly rescale: 'none' | 'schatten4';
}

const isFirst = (count: number): 'first' | 'later' => (count === 1 ? 'first' : 'later');

/**
 * Adam in a basis, as runs of 2026 have it:
 *
 *     m ← β₁m + (1−β₁)g    U = m, or (1−β₁)g + β₁m    v ← β₂v + (1−β₂)X², X = g or U    u = U/(√v + ε), or U/max(√v, ε)
 *
 * and u as long as U by the 4-norm of singular values, if asked for. With `raw`, u = U at first, and t counts from 0 there.
 */
export function adamInBasis(o: InnerOptions): Transform {
  const { beta1, beta2, epsilon } = o;
  return perTensor({
    name: 'adam',
    hyper: { beta1, beta2, epsilon },
    state: ({ shape }) => ({ m: { shape, kind: 'vector' }, v: { shape, kind: 'diagonal', nonNegative: true } }),
    apply({ update, state: { m, v }, hyper, count, owner, site }) {
      const g = saturate(update, site.largest, 2);
      const m1 = m.lerp(g, hyper.beta1.not());
      const U = o.nesterov ? m1.lerp(g, hyper.beta1.not()) : m1;
      if (o.raw && site.phase(owner, isFirst) === 'first') return { update: U, state: { m: m1 } };
      const v1 = v.lerp((o.secondMomentOf === 'gradient' ? g : U).square(), hyper.beta2.not());
      const root = v1.sqrt();
      const u = U.div(o.denominator === 'sum' ? root.add(hyper.epsilon) : root.max(hyper.epsilon));
      return { ...finished(o, u, U, hyper, count), state: { m: m1, v: v1 } };
    },
  });
}

/** KL-Shampoo in a basis: u = U/(√(Π_k e_k) + ε), by the running eigenvalues of the factors, with U as in `adamInBasis`. */
export function whiten(o: InnerOptions): Transform {
  const { beta1, beta2, epsilon } = o;
  return perTensor({
    name: 'whiten',
    hyper: { beta1, beta2, epsilon },
    needs: [{ what: 'eigenvalues' }],
    state: ({ shape }) => ({ m: { shape, kind: 'vector' } }),
    apply({ update: g, state: { m }, hyper, count, owner, site }) {
      const m1 = m.lerp(g, hyper.beta1.not());
      const U = o.nesterov ? m1.lerp(g, hyper.beta1.not()) : m1;
      if (o.raw && site.phase(owner, isFirst) === 'first') return { update: U, state: { m: m1 } };
      const u = U.div(required(site.extras, 'eigenvalues', 'extra').sqrt().add(hyper.epsilon));
      return { ...finished(o, u, U, hyper, count), state: { m: m1 } };
    },
  });
}

type Hypers = Readonly<Record<'beta1' | 'beta2', Tensor>>;

/** u, its length and its correction of the rate. */
function finished(o: InnerOptions, u: Tensor, U: Tensor, { beta1, beta2 }: Hypers, count: Tensor): TensorChange<never> {
  const update = o.rescale === 'none' ? u : u.mul(lengthOf(U).div(lengthOf(u)));
  if (!o.correctBias) return { update };
  const t = o.raw ? count.sub(1) : count;
  return { update, gain: debias(beta2, t).sqrt().div(debias(beta1, t)) };
}

/** The 4-norm of the singular values of x as [its first axis, the rest], at least 10⁻⁸. */
const lengthOf = (x: Tensor): Tensor =>
  schatten4(x.reshape(asMatrix(x.shape)))
    .reshape([])
    .max(1e-8);
const asMatrix = (shape: Shape): Shape => [shape[0] ?? 1, size(shape) / Math.max(1, shape[0] ?? 1)];

/** `normalizeRms`, from the second call on: the first, which has no basis, moves along the raw momentum. */
export const normalizeRmsLater = (): Transform =>
  perTensor({
    name: 'normalize-rms',
    apply({ update: u, owner, site }) {
      if (site.phase(owner, isFirst) === 'first') return {};
      return { update: normalized(u).mul(Math.sqrt(size(u.shape))) };
    },
  });
