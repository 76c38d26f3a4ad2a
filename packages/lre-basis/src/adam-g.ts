import { clipped, type Declarer, debias, type Hyper, repeat, type Shape, type Site, type Tensor } from '@opt/core';

export interface AdamGOptions {
  readonly beta1: Hyper;
  readonly beta2: Hyper;
  readonly eps: Hyper;
  readonly cautious: boolean;
}

/**
 * Adam on the Stiefel manifold with Cayley steps (Li, Fuxin, Todorovic 2020, algorithm 2), which keep XᵀX = I up to rounding. W is only
 * ever used through its two factors; the cap of the rate uses its Frobenius norm, which the column-sum norm of the paper is below or near.
 */
export function adamG({ beta1, beta2, eps, cautious }: AdamGOptions): {
  declare(owner: string, shape: Shape, at: Declarer): void;
  /** One step that climbs `G` from `Q`. */
  step(owner: string, site: Site, Q: Tensor, G: Tensor, rate: Tensor): { Q: Tensor; writes: Record<string, Tensor> };
} {
  return {
    declare(owner, shape, at) {
      for (const hyper of [beta1, beta2, eps]) at.hyper(hyper);
      at.slot('m', owner, { shape, kind: 'invariant' });
      at.slot('v', owner, { shape: [], kind: 'invariant' });
      at.slot('count', owner, { shape: [], kind: 'invariant' });
    },
    step(owner, site, Q, ascent, rate) {
      // Its length is squared, and squared again: G takes the place of a square already.
      const G = clipped([ascent], Math.sqrt(site.largest) / 4)(ascent).neg();
      const unit = Q.div(Q.square().sum([0]).sqrt().add(1e-8));
      const retract = site.choose('retract', owner, { keep: 100, retract: 1 }) === 'retract';
      const X = retract ? unit.orthonormalize('complete') : unit;

      const [b1, b2] = [site.hyper(beta1), site.hyper(beta2)];
      const t = site.get('count', owner).add(1);
      const held = site.get('m', owner);
      const m = (cautious ? held.mul(held.sign().mul(G.sign()).gt(0)) : held).lerp(G, b1.not());
      const v = site.get('v', owner).lerp(G.square().sum(), b2.not());
      const scale = v.div(debias(b2, t)).add(site.hyper(eps)).sqrt();
      const M = m.div(debias(b1, t));

      const inner = (a: Tensor, b: Tensor): Tensor => a.matmul(b, { transposeA: true });
      const P = M.sub(X.matmul(inner(X, M)).mul(0.5));
      const times = (V: Tensor): Tensor =>
        P.matmul(inner(X, V))
          .sub(X.matmul(inner(P, V)))
          .div(scale);
      const XP = inner(X, P);
      const size = inner(P, P).mul(inner(X, X)).sum().sub(XP.mul(XP.T).sum()).mul(2).max(0).sqrt().div(scale);
      const a = rate.min(size.add(site.hyper(eps)).reciprocal());
      const { V } = repeat(5, { V: X.sub(times(X).mul(a)) }, ({ V: last }) => ({ V: X.sub(times(X.add(last)).mul(a.mul(0.5))) }));
      return { Q: V, writes: { m: times(X).mul(scale).mul(b1.not()), v, count: t } };
    },
  };
}
