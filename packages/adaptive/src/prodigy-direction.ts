import {
  concat,
  debias,
  type Hyper,
  iota,
  mapValues,
  required,
  type Shape,
  type Site,
  type Slot,
  saturate,
  size,
  type Tensor,
  type Transform,
  where,
} from '@opt/core';

/** What `prodigy` has read. */
export interface ProdigySettings {
  readonly name: string;
  readonly learningRate: Hyper;
  readonly beta1: Hyper;
  readonly beta2: Hyper;
  readonly beta3: Hyper | null;
  readonly initialDistance: number;
  readonly distanceCoefficient: Hyper;
  readonly growthRate: Hyper | null;
  readonly correctBias: boolean;
  readonly safeguardWarmup: boolean;
  readonly sliceEvery: number;
  readonly epsilon: Hyper;
}

/** The owner of what belongs to all parameters together. */
const shared = '';

/**
 * The direction m/(√v + dε) of `prodigy`, with the gain d (times Adam's correction) before this step's estimate of d. Where nothing has
 * ever had a gradient the gain is 0.
 */
export function prodigyDirection(o: ProdigySettings): Transform {
  const { name, initialDistance, sliceEvery } = o;
  const still = o.beta1.value === 0;
  const hypers = [o.learningRate, o.beta1, o.beta2, o.distanceCoefficient, o.epsilon, o.beta3, o.growthRate].filter((one) => one !== null);
  const number = (init: number): Slot => ({ shape: [], kind: 'invariant', dtype: 'wide', init });
  const sampled: Sampled = sliceEvery === 1 ? (x) => x : (x) => every(sliceEvery, x);

  return {
    name,
    declare(parameters, at) {
      const here = at.child(name);
      for (const hyper of hypers) here.hyper(hyper);
      for (const [slot, init] of Object.entries({ d: initialDistance, dMax: initialDistance, N: 0, k: 0 }))
        here.slot(slot, shared, number(init));
      for (const [owner, shape] of Object.entries(parameters)) {
        const part: Shape = sliceEvery === 1 ? shape : [Math.ceil(size(shape) / sliceEvery)];
        if (!still) here.slot('m', owner, { shape, kind: 'vector' });
        here.slot('v', owner, { shape, kind: 'diagonal', nonNegative: true });
        here.slot('s', owner, { shape: part, kind: 'vector' });
        here.slot('start', owner, { shape: part, kind: 'vector' });
      }
    },
    apply(flow, site) {
      const here = site.child(name);
      const owners = Object.keys(flow.updates);
      if (owners.length === 0) return flow;
      const gradients = mapValues(flow.updates, (g, owner) =>
        here.writing(owner, () => saturate(g, here.largest, 2, 1024 * size(g.shape))),
      );
      const beta2 = here.hyper(o.beta2);
      const [d, k] = [here.get('d', shared), here.get('k', shared)];
      const t = k.add(1);
      const eta = here.hyper(o.learningRate);
      const gain = o.correctBias
        ? d.mul(
            debias(beta2, t)
              .sqrt()
              .div(debias(here.hyper(o.beta1), t)),
          )
        : d;
      const scale = d.div(initialDistance);
      const beta3 = o.beta3 === null ? beta2.sqrt() : here.hyper(o.beta3);
      const weight = saturate(scale.mul(o.safeguardWarmup ? d : gain.mul(eta)), here.largest).working();
      const entries = owners.reduce((sum, owner) => sum + size(required(gradients, owner, 'gradient').shape), 0);
      const parts = owners.map((owner) =>
        here.writing(owner, () => {
          const g = sampled(required(gradients, owner, 'gradient'));
          const p = sampled(required(flow.parameters, owner, 'parameter'));
          const start = where(k.eq(0).max(here.count(owner).eq(1)), p, here.get('start', owner));
          here.set('start', owner, start);
          const s = saturate(here.get('s', owner).mul(beta3).add(g.mul(weight)), here.largest, 1, entries);
          here.set('s', owner, s);
          return {
            along: saturate(g.mul(start.sub(p)), here.largest, 1, entries)
              .wide()
              .sum(),
            length: s.abs().wide().sum(),
          };
        }),
      );
      const total = (of: 'along' | 'length'): Tensor => concat(parts.map((part) => part[of].reshape([1]))).sum();
      const S = total('length');
      const moves = S.gt(0).mul(eta.gt(0));
      const grown = here
        .get('N', shared)
        .mul(beta3)
        .add(total('along').mul(scale.mul(gain.mul(eta))));
      const N = saturate(grown, here.largest);
      const next = here.writing(shared, () => estimate(here, o, { d, N, S, moves, k }));
      const [before, after] = [d.working(), next.working()];
      const updates = owners.map((owner) => {
        const g = required(gradients, owner, 'gradient');
        return [owner, here.writing(owner, () => adam(here, o, owner, g, before, after))] as const;
      });
      const shown = where(moves, gain, 0).working();
      return {
        ...flow,
        updates: { ...flow.updates, ...Object.fromEntries(updates) },
        gains: { ...flow.gains, ...Object.fromEntries(owners.map((owner) => [owner, flow.gains[owner]?.mul(shown) ?? shown])) },
      };
    },
  };
}

type Sampled = (x: Tensor) => Tensor;

/** Entries 0, q, 2q, … of the flattened tensor. */
function every(q: number, x: Tensor): Tensor {
  const flat = x.reshape([size(x.shape)]);
  return flat.gather(
    iota(Math.ceil(size(x.shape) / q))
      .mul(q)
      .int(),
    0,
  );
}

/** d after this step, with what it is made of written down; everything stays where nothing moves. */
function estimate(
  here: Site,
  { distanceCoefficient, growthRate, initialDistance }: ProdigySettings,
  { d, N, S, moves, k }: Readonly<Record<'d' | 'N' | 'S' | 'moves' | 'k', Tensor>>,
): Tensor {
  // Its square is a factor of v.
  const seen = saturate(N.div(where(S.gt(0), S, 1)).mul(here.hyper(distanceCoefficient)), here.largest, 2);
  const first = where(d.eq(initialDistance), d.max(seen), d);
  const held = here.get('dMax', shared);
  const most = held.max(seen);
  const grown = growthRate === null ? most : most.min(first.mul(here.hyper(growthRate)));
  const next = where(moves, grown, d);
  here.set('d', shared, next);
  here.set('dMax', shared, where(moves, most, held));
  here.set('N', shared, where(moves, N, here.get('N', shared)));
  here.set('k', shared, k.add(moves));
  return next;
}

/** m/(√v + dε) with moments of dg. Without a mean the new d stands before g, as in the original. */
function adam(here: Site, { beta1, beta2, epsilon }: ProdigySettings, owner: string, g: Tensor, before: Tensor, after: Tensor): Tensor {
  const scaled = saturate(g.mul(before), here.largest, 2);
  const v = here.get('v', owner).lerp(scaled.square(), here.hyper(beta2).not());
  here.set('v', owner, v);
  const divisor = v.sqrt().add(after.mul(here.hyper(epsilon)));
  if (beta1.value === 0) return saturate(g.mul(after), here.largest, 2).div(divisor);
  const m = here.get('m', owner).lerp(scaled, here.hyper(beta1).not());
  here.set('m', owner, m);
  return m.div(divisor);
}
