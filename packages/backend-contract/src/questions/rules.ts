import { type Basis, full, mapValues, perTensor, type Shape, size, type Tensor, type Transform } from '@opt/core';

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
