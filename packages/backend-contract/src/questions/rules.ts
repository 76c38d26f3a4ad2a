import { type Basis, concat, full, mapValues, perTensor, type Shape, size, type Tensor, type Transform, where } from '@opt/core';

/** Rules that ask in the middle of a step, as short as their papers: what a third party would write. */

/** u = ∇f(p − h·g). */
export const ahead = (h: number): Transform =>
  perTensor({
    name: 'ahead',
    needs: [{ what: 'gradient', evaluated: 'shifted' }],
    apply: ({ update: g, owner, site }) => ({ update: site.evaluate('there', owner, { want: 'gradient', shift: g.mul(-h) }) }),
  });

/** MARS, exact: m ← βm + (1−β)c with c = g + γβ/(1−β)·(g − ∇f(p₋)), u = m. */
export const exactMars = (beta: number, gamma: number): Transform =>
  perTensor({
    name: 'exact-mars',
    needs: [{ what: 'gradient', evaluated: 'shifted' }],
    state: ({ shape }) => ({ m: { shape, kind: 'vector' }, before: { shape, kind: 'vector' } }),
    apply({ update: g, parameter: p, owner, site, state: { m, before } }) {
      const first = site.phase(owner, (count) => (count === 1 ? 'first' : 'later')) === 'first';
      const old = first ? g : site.evaluate('before', owner, { want: 'gradient', shift: before.sub(p) });
      const c = g.add(g.sub(old).mul((gamma * beta) / (1 - beta)));
      const m1 = m.mul(beta).add(c.mul(1 - beta));
      return { update: m1, state: { m: m1, before: p } };
    },
  });

/** Hutchinson's estimate of the diagonal of the Hessian, as Sophia keeps it: h ← z∘Hz. */
export const curvature: Transform = perTensor({
  name: 'curvature',
  needs: [{ what: 'hvp', evaluated: 'here' }],
  state: ({ shape }) => ({ h: { shape, kind: 'diagonal' } }),
  apply({ update: g, owner, site }) {
    const z = site.draw('z', owner, 'rademacher', g.shape);
    return { update: g, state: { h: z.mul(site.evaluate('along', owner, { want: 'hvp', along: z })) } };
  },
});

/** Two-point zeroth order: u = (f(p + hz) − f(p − hz))/2h·z, one z for the model. */
export const zerothOrder = (h: number): Transform => ({
  name: 'zeroth-order',
  declare: (_, at) => at.child('zeroth-order').needs({ what: 'loss', by: 'zeroth-order', evaluated: 'shifted' }),
  apply(flow, site) {
    const here = site.child('zeroth-order');
    const z = mapValues(flow.updates, ({ shape }, owner) => here.draw('z', owner, 'normal', shape));
    const at = (name: string, by: number): Tensor => here.evaluate(name, { want: 'loss', shift: mapValues(z, (part) => part.mul(by)) });
    const slope = at('up', h)
      .sub(at('down', -h))
      .div(2 * h);
    return { ...flow, updates: mapValues(z, (part) => part.mul(slope)) };
  },
});

const dot = (a: Tensor, b: Tensor): Tensor => a.mul(b).sum();

export interface LbfgsOptions {
  /** m, pairs that are kept. */
  readonly memory: number;
  /** The most evaluations of one search. */
  readonly most: number;
  readonly c1: number;
  readonly c2: number;
}

/** L-BFGS (Nocedal & Wright, alg. 7.4 and 7.5) with a strong-Wolfe search (alg. 3.5 and 3.6, by doubling and halving) in one step; u = p − p₊. */
export const lbfgs = ({ memory, most, c1, c2 }: LbfgsOptions): Transform =>
  perTensor({
    name: 'lbfgs',
    needs: [
      { what: 'gradient', evaluated: 'shifted' },
      { what: 'loss', evaluated: 'shifted' },
    ],
    state: ({ shape }) => ({
      S: { shape: [memory, ...shape], kind: 'invariant' },
      Y: { shape: [memory, ...shape], kind: 'invariant' },
    }),
    apply({ update: g, owner, site, state: { S, Y } }) {
      // Alg. 7.4, newest pair last; a pair that is not there yet is 0.
      const pairs = Array.from({ length: memory }, (_, i) => ({ s: S.row(i), y: Y.row(i) }));
      const inverse = (a: Tensor): Tensor => where(a.gt(0), a.reciprocal(), 0);
      let q = g;
      const alphas = [...pairs].reverse().map(({ s, y }) => {
        const alpha = dot(s, q).mul(inverse(dot(s, y)));
        q = q.sub(y.mul(alpha));
        return alpha;
      });
      const newest = pairs.at(-1) ?? { s: g, y: g };
      const known = dot(newest.s, newest.y).gt(0);
      let r = q.mul(where(known, dot(newest.s, newest.y).mul(inverse(dot(newest.y, newest.y))), g.abs().sum().reciprocal().min(1)));
      pairs.forEach(({ s, y }, i) => {
        const beta = dot(y, r).mul(inverse(dot(s, y)));
        r = r.add(s.mul((alphas[memory - 1 - i] ?? beta).sub(beta)));
      });
      const u = r.neg();

      const f0 = site.evaluate('start', { want: 'loss' });
      const d0 = dot(g, u);
      const zero = full([], 0);
      let low = { a: zero, f: f0, d: d0, G: g };
      let [high, bracketed, going, a] = [zero, zero, full([], 1), full([], 1)];
      for (let i = 0; i < most; i++) {
        const shift = u.mul(a);
        const f = site.evaluate(`loss ${i}`, { want: 'loss', shift: { [owner]: shift }, when: going });
        const G = site.evaluate(`gradient ${i}`, owner, { want: 'gradient', shift, when: going });
        const d = dot(G, u);
        const lower = f
          .le(f0.add(d0.mul(a).mul(c1)))
          .mul(f.lt(low.f))
          .mul(going);
        const flat = d.abs().le(d0.mul(-c2)).mul(lower);
        const beyond = where(bracketed, high.sub(low.a), 1).mul(d).ge(0).mul(lower);
        high = where(lower.not().mul(going), a, where(beyond, low.a, high));
        bracketed = bracketed.max(lower.not().mul(going)).max(beyond);
        low = { a: where(lower, a, low.a), f: where(lower, f, low.f), d: where(lower, d, low.d), G: where(lower, G, low.G) };
        going = going.mul(flat.not());
        a = where(bracketed, low.a.add(high).mul(0.5), a.mul(2));
      }
      const s = u.mul(low.a);
      const push = (H: Tensor, row: Tensor): Tensor => concat([H.slice([1]), row.reshape([1, ...row.shape])]);
      return { update: s.neg(), state: { S: push(S, s), Y: push(Y, low.G.sub(g)) } };
    },
  });

/** The direction of equal elements. */
const diagonal = (n: number): Tensor => full([n], 1 / Math.sqrt(n));

/** A fixed reflection: a basis whose coordinates differ from the parameter's. */
export const mirrored: Basis = {
  name: 'mirrored',
  kinds: ['vector', 'diagonal'],
  coordinates: (shape) => [size(shape)],
  declare: () => undefined,
  frame(_, shape: Shape) {
    const v = diagonal(size(shape));
    const reflect = (x: Tensor): Tensor => x.sub(v.mul(dot(v, x).mul(2)));
    return { project: (x) => reflect(x.reshape([-1])), unproject: (u) => reflect(u).reshape(shape) };
  },
};

/** One coordinate for a whole parameter. */
export const narrow: Basis = {
  name: 'narrow',
  kinds: ['vector', 'diagonal'],
  coordinates: () => [1],
  declare: () => undefined,
  frame: (_, shape: Shape) => ({
    project: (x) => dot(diagonal(size(shape)), x.reshape([-1])).reshape([1]),
    unproject: (u) => diagonal(size(shape)).mul(u.reshape([])).reshape(shape),
  }),
};
