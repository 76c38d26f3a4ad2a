import {
  concat,
  full,
  type Hyper,
  identity,
  iota,
  mod,
  norm,
  repeat,
  type Shape,
  type Site,
  type Slot,
  saturate,
  scalar,
  scaled,
  size,
  type Tensor,
  type Transform,
  where,
} from '@opt/core';

/** What `ngd` has read. */
export interface NgdSettings {
  readonly name: string;
  readonly alpha: Hyper;
  readonly eta: Hyper;
  readonly rank: number | null;
  readonly updatePeriod: number;
}

/** F = ρI + a part along W's rows, in which WWᵀ = diag(e), e_i = 1/(1 + β/d_i), β = ρ(1+α) + α·Σd/D. */
type Estimate = Readonly<Record<'W' | 'd' | 'rho', Tensor>>;

/** One axis of a parameter: D long, N rows, estimated to rank R. */
interface Axis {
  readonly k: number;
  readonly D: number;
  readonly R: number;
  /** The unfolding [N, D], and back. */
  unfold(x: Tensor): Tensor;
  fold(x: Tensor): Tensor;
}

const least = 1e-10;

/** The direction of `ngd`, before momentum. */
export function ngdDirection({ name, alpha, eta, rank, updatePeriod }: NgdSettings): Transform {
  const moment = (count: number): 'first' | 'update' | 'step' =>
    count === 1 ? 'first' : count <= 10 || (count - 1) % updatePeriod === 0 ? 'update' : 'step';
  return {
    name,
    separable: true,
    declare(parameters, at) {
      const here = at.child(name);
      for (const hyper of [alpha, eta]) here.hyper(hyper);
      for (const [owner, shape] of Object.entries(parameters)) {
        for (const axis of axes(shape, rank)) {
          for (const [slot, declared] of Object.entries(slotsOf(axis))) here.slot(`${slot}${axis.k}`, owner, declared);
        }
      }
    },
    apply(flow, site) {
      const here = site.child(name);
      const [a, q] = [here.hyper(alpha), here.hyper(eta)];
      const updates: Record<string, Tensor> = { ...flow.updates };
      for (const [owner, given] of Object.entries(flow.updates)) {
        here.writing(owner, () => {
          const when = here.phase(owner, moment);
          updates[owner] = axes(given.shape, rank).reduce(
            (g, axis) => {
              const X = axis.unfold(g);
              const held = when === 'first' ? opened(X, axis, a, q) : read(here, owner, axis);
              const Y = X.sub(X.matmul(held.W, { transposeB: true }).matmul(held.W));
              if (when !== 'step') write(here, owner, axis, updated(held, X, axis, a, q));
              // Y·‖X‖/√(‖Y‖² + 10⁻³⁰), in which nothing overflows or vanishes.
              const { norm: rest, to } = scaled([Y]);
              const length = norm(concat([rest.reshape([1]), full([1], 1e-15)]));
              return axis.fold(to(Y, norm(X).mul(rest.div(length))));
            },
            saturate(given, here.largest, 2, 1024 * size(given.shape)),
          );
        });
      }
      return { ...flow, updates };
    },
  };
}

/** The axes along which there is something to estimate. */
function axes(shape: Shape, rank: number | null): Axis[] {
  return shape.flatMap((D, k) => {
    if (D < 2) return [];
    const [before, after] = [size(shape.slice(0, k)), size(shape.slice(k + 1))];
    const wanted = rank ?? Math.min(Math.floor((D + 1) / 2), 80);
    return [
      {
        k,
        D,
        R: Math.max(1, Math.min(wanted, D - 1, before * after)),
        unfold: (x: Tensor) =>
          x
            .reshape([before, D, after])
            .transpose([0, 2, 1])
            .reshape([before * after, D]),
        fold: (x: Tensor) => x.reshape([before, after, D]).transpose([0, 2, 1]).reshape(shape),
      },
    ];
  });
}

const slotsOf = ({ D, R }: Axis): Record<keyof Estimate, Slot> => ({
  W: { shape: [R, D], kind: 'matrix' },
  d: { shape: [R], kind: 'invariant', init: least },
  rho: { shape: [], kind: 'invariant', init: least },
});

const read = (here: Site, owner: string, { k }: Axis): Estimate => ({
  W: here.get(`W${k}`, owner),
  d: here.get(`d${k}`, owner),
  rho: here.get(`rho${k}`, owner),
});

function write(here: Site, owner: string, { k }: Axis, estimate: Estimate): void {
  for (const [slot, value] of Object.entries(estimate)) here.set(`${slot}${k}`, owner, value);
}

/** The estimate before its fourth update: three in place of a decomposition, from rows that divide the axis among them. */
function opened(X: Tensor, axis: Axis, alpha: Tensor, eta: Tensor): Estimate {
  const { D, R } = axis;
  const column = iota(D).reshape([1, D]);
  const own = mod(column, R).eq(iota(R).reshape([R, 1]));
  const O = own.mul(where(column.lt(R), 1.1, 1));
  const rows = O.square().sum([1], { keep: true }).sqrt();
  const E0 = scalar(1).div(alpha.mul(1 + R / D).add(2));
  const start = { W: O.div(rows).mul(E0.sqrt()), d: full([R], least), rho: full([], least) };
  return repeat(3, start, (estimate) => updated(estimate, X, axis, alpha, eta));
}

/**
 * One update, in the widest precision there is and in units of s² with s the larger of max|X| and √(d + ρ): fourth powers of X enter.
 */
function updated(held: Estimate, given: Tensor, { D, R }: Axis, alpha: Tensor, eta: Tensor): Estimate {
  const N = size(given.shape) / D;
  const s = given.abs().maximum().wide().max(held.d.maximum().add(held.rho).wide().sqrt());
  const unit = s.square();
  const X = given.wide().div(s);
  const W = held.W.wide();
  const [d, rho] = [held.d.wide().div(unit).max(tiny), held.rho.wide().div(unit).max(tiny)];
  const [q, p] = [eta.div(N), eta.not()];
  const a = d.add(rho);
  const beta = (values: Tensor, rest: Tensor): Tensor => rest.mul(alpha.add(1)).add(values.sum().mul(alpha.div(D)));
  const f = beta(d, rho).div(d).add(1).sqrt();

  const H = X.matmul(W, { transposeB: true });
  const J = H.matmul(X, { transposeA: true });
  const K = J.matmul(J, { transposeB: true });
  const L = H.matmul(H, { transposeA: true });
  const [across, down] = [(x: Tensor) => x.reshape([1, R]), (x: Tensor) => x.reshape([R, 1])];
  const ff = down(f).mul(across(f));
  const I = identity(R);
  const Z = ff.mul(K.mul(q.mul(q)).add(L.mul(down(a).add(across(a))).mul(q.mul(p)))).add(I.mul(across(a.square())).mul(p.mul(p)));
  const z = Z.mul(I).maximum();
  const { values, vectors } = Z.div(z).eigh();
  const floorOfC = rho.mul(p).square().div(z);
  const r = values.max(floorOfC).sqrt().mul(z.sqrt());
  const rest = X.square()
    .sum()
    .mul(q)
    .add(rho.mul(D).add(d.sum()).mul(p))
    .sub(r.sum())
    .div(D - R);
  const floor = r.maximum().mul(5e-4).max(scalar(least).div(unit));
  const d1 = r.sub(rest).max(floor);
  const rho1 = rest.max(floor);
  const e1 = d1.div(d1.add(beta(d1, rho1)));
  const mixed = J.add(W.mul(down(a)).mul(p.div(q))).mul(down(f));
  const W1 = vectors.matmul(mixed, { transposeA: true }).mul(down(e1.sqrt().mul(q).div(r)));
  return { W: W1.working(), d: d1.mul(unit).working(), rho: rho1.mul(unit).working() };
}

/**
 * Keeps quotients finite where an estimate is far below the present gradient's scale, and the noise of directions that a gradient does not
 * fill small: the original starts from 10⁻¹⁰ whatever the scale, which is the same up to elements of 100.
 */
const tiny = 1e-14;
