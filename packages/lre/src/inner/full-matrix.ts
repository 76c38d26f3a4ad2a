import {
  allFinite,
  debias,
  type Extras,
  type Hyper,
  iota,
  type Need,
  perTensor,
  type Shape,
  type Slot,
  type Tensor,
  type TensorStep,
  type Transform,
  where,
} from '@opt/core';
import { activeEigh, type Regularisation, regularise } from '@opt/lre-basis';

type Hypers = Readonly<Record<'beta1' | 'epsilon', Hyper>>;

/** Adam with a full matrix M in place of the second moment, small because it lives in a basis. */
export interface FullMatrix {
  readonly name: string;
  readonly hyper: Hypers;
  /** β₂ of M; null: M is not an average. */
  readonly beta2: Hyper | null;
  readonly amsgradBeta: Hyper | null;
  readonly needs?: readonly Omit<Need, 'by'>[];
  /** The matrix M is averaged with; absent on steps that have none. */
  next(M: Tensor, u: Tensor, extras: Extras, epsilon: number): Tensor | undefined;
  /** P from M/(1−β₂ᵗ) + εI. */
  precondition(M: Tensor, active: Tensor, epsilon: number): Tensor;
}

/**
 * m ← β₁m + (1−β₁)u and M ← β₂M + (1−β₂)N from I; out P·m/(1−β₁ᵗ), with P recomputed when the basis changes. AMSGrad keeps the
 * largest diagonal x ← max(a·x, diag M); what is stored is its excess over diag M, which moves as a diagonal does.
 */
export function fullMatrix({ name, hyper, beta2, amsgradBeta, needs = [], next, precondition }: FullMatrix): Transform {
  const state = ({ shape }: { readonly shape: Shape }): Record<'m' | 'M' | 'P', Slot> => {
    const square = [...shape, ...shape];
    return {
      m: { shape, kind: 'vector' },
      M: { shape: square, kind: 'matrix', dtype: 'wide', init: 'identity' },
      P: { shape: square, kind: 'invariant', dtype: 'wide' },
    };
  };
  const basis = [{ what: 'active', hint: 'use it inside lre' }, ...needs];
  const hypers = { ...hyper, beta2: beta2 ?? 0, amsgradBeta: amsgradBeta ?? 0 };

  /** The step, given the excess of the largest diagonal over that of M. */
  function step(
    { update: u, state, hyper, count: t, site }: TensorStep<'m' | 'M' | 'P', keyof typeof hypers>,
    excess?: Tensor,
  ): { update: Tensor; m: Tensor; M: Tensor; P: Tensor; excess: Tensor | undefined } {
    const { active = u.mul(0).add(1), changed = t.eq(1) } = site.extras;
    const m = state.m.lerp(u, hyper.beta1.not());
    const N = next(state.M, u, site.extras, site.epsilon);
    const M = N === undefined ? state.M : beta2 === null ? N : state.M.lerp(N, hyper.beta2.not());
    const largest =
      excess === undefined || N === undefined
        ? undefined
        : where(t.eq(1), diagonal(M), excess.add(diagonal(state.M)).mul(hyper.amsgradBeta).max(diagonal(M)));
    const over = largest === undefined ? excess : largest.sub(diagonal(M));

    const whole = over === undefined ? M : M.add(onDiagonal(over));
    const unbiased = beta2 === null ? whole : whole.div(debias(hyper.beta2, t));
    const [r = 0] = u.shape;
    const P = precondition(unbiased.add(onDiagonal(hyper.epsilon.broadcastTo([r]))), active, site.epsilon);
    const kept = where(changed, P, state.P);
    const update = kept
      .matmul(m.wide().reshape([-1, 1]))
      .reshape([-1])
      .working()
      .div(debias(hyper.beta1, t));
    return { update, m, M, P: kept, excess: over };
  }

  if (amsgradBeta === null) {
    return perTensor({
      name,
      needs: basis,
      hyper: hypers,
      state,
      apply(given) {
        const { update, m, M, P } = step(given);
        return { update, state: { m, M, P } };
      },
    });
  }
  return perTensor({
    name,
    needs: basis,
    hyper: hypers,
    state: ({ shape }) => ({ ...state({ shape }), excess: { shape, kind: 'diagonal', dtype: 'wide' } }),
    apply(given) {
      const { update, m, M, P, excess } = step(given, given.state.excess);
      return { update, state: { m, M, P, ...(excess && { excess }) } };
    },
  });
}

/** V·f(Λ)·Vᵀ over the active coordinates of M = VΛVᵀ, 0 elsewhere; where M cannot be decomposed, f of its diagonal. */
export function matrixFunction(
  M: Tensor,
  active: Tensor,
  round: Omit<Regularisation, 'truncate'> & { readonly abs: boolean },
  f: (L: Tensor) => Tensor,
  epsilon: number,
): Tensor {
  const [r = 0] = active.shape;
  const { values, vectors, active: valid } = activeEigh(M.mul(active).mul(active.reshape([r, 1])), active);
  const { L, kept } = regularise(round.abs ? where(valid, values.abs(), values) : values, valid, { ...round, truncate: null }, epsilon);
  const scaled = vectors.mul(where(kept, f(where(kept, L, 1)), 0));
  const diagonalOnly = onDiagonal(where(active, f(diagonal(M).abs()), 0));
  return where(allFinite(values), scaled.matmul(vectors, { transposeB: true }), diagonalOnly);
}

const mask = (n: number): Tensor => iota(n).reshape([n, 1]).eq(iota(n));

/** The diagonal of M. */
export const diagonal = (M: Tensor): Tensor => M.mul(mask(M.shape[0] ?? 0)).sum([0]);

/** x on the diagonal of a matrix. */
export const onDiagonal = (x: Tensor): Tensor => mask(x.shape[0] ?? 0).mul(x);

/** abᵀ in the best precision there is. */
export const outer = (a: Tensor, b: Tensor): Tensor => a.wide().reshape([-1, 1]).mul(b.wide());
