import { iota, type Tensor, where } from '@opt/core';
import type { Factors, LowRankBasis, LowRankState } from '@opt/lre-basis';
import type { Family, Hyperparameters, MakeReplay } from './family.ts';
import { basisKinds } from './lre-parts.ts';
import { owner, replayStage, type Stage } from './replay-stage.ts';

/** A basis fed with corrections: invariants of its factors come out. */
const replayBasis =
  (make: (options: Hyperparameters) => LowRankBasis): MakeReplay =>
  async (hyperparameters, backend, first, all) => {
    const basis = make(hyperparameters);
    const [d = 0] = first['Y']?.shape ?? [];
    const kind = {
      signed: all.some((inputs) => inputs['alpha'] !== undefined),
      asymmetric: all.some((inputs) => inputs['Z'] !== undefined),
    };
    const R = basis.width(d, kind);
    let columns = 0;
    let corrections = 0;
    const stage: Stage = {
      d,
      results: {
        ...square(d, ['QQt', 'QLQt', 'QregLregQregT', 'QWQt']),
        ...vectors(d, ['whitened', 'newton']),
        L: [R],
        Lreg: [R],
        active: [R],
      },
      declare: (at) => basis.declare(owner, d, kind, at.child(basis.name)),
      prepare(inputs, call) {
        columns += inputs['Y']?.shape[1] ?? 0;
        corrections = call + 1;
        return { inputs, kind: call === 0 ? 'first' : 'later' };
      },
      run(site, given) {
        const here = site.child(basis.name);
        const start = corrections === 1;
        const { writes, ok } = basis.update({
          owner,
          site: here,
          kind,
          first: start,
          start,
          Y: given('Y')?.T ?? iota(0),
          Z: given('Z')?.T,
          alpha: given('alpha'),
          phase: (ask) => site.phase('progress', () => ask({ columns, corrections })),
        });
        for (const [slot, value] of Object.entries(writes)) {
          here.set(slot, owner, ok === undefined ? value : where(ok, value, here.get(slot, owner)));
        }
        return invariants(basis.read(owner, here), R, given('g'));
      },
    };
    const call = await replayStage(backend, stage);
    return async (inputs) => {
      const { active = new Float64Array(0), L = active, Lreg = active, ...rest } = await call(inputs);
      return {
        ...rest,
        rank: [active.reduce((sum, x) => sum + x, 0)],
        L: L.filter((x) => x !== 0).sort(),
        Lreg: Lreg.filter((_, i) => active[i] === 1).sort(),
      };
    };
  };

const square = (d: number, names: readonly string[]): Record<string, readonly number[]> =>
  Object.fromEntries(names.map((name) => [name, [d, d]]));
const vectors = (d: number, names: readonly string[]): Record<string, readonly number[]> =>
  Object.fromEntries(names.map((name) => [name, [d]]));

/** What does not depend on the signs of eigenvectors, nor on how a basis keeps them. */
function invariants({ whole, kept }: LowRankState, R: number, g: Tensor | undefined): Record<string, Tensor> {
  const identity = iota(R).reshape([R, 1]).eq(iota(R));
  const rows = (factors: Factors): Tensor => factors.up(identity.working());
  const weighted = (Q: Tensor, weights: Tensor): Tensor => Q.matmul(Q.mul(weights.reshape([R, 1])), { transposeA: true });
  const { active } = kept;
  const Q = rows(kept);
  // 1, 2, … over the active columns.
  const order = iota(R).reshape([R, 1]).ge(iota(R)).mul(active).sum([1]).mul(active);
  const results = { active, QQt: weighted(Q, active), QWQt: weighted(Q, order) };
  if (kept.L === undefined || whole.L === undefined) return results;
  const Lreg = where(active, kept.L, 1).working();
  const applied = (x: Tensor, f: Tensor): Tensor => kept.up(kept.down(x.reshape([1, -1])).mul(f)).reshape([-1]);
  return {
    ...results,
    L: whole.L,
    Lreg,
    QLQt: weighted(rows(whole), whole.L.working()),
    QregLregQregT: weighted(Q, Lreg.mul(active)),
    ...(g && { whitened: applied(g, Lreg.sqrt().reciprocal()), newton: applied(g, Lreg.reciprocal()) }),
  };
}

export const lreBasisFamily: Family = {
  optimizers: {},
  components: Object.fromEntries(Object.entries(basisKinds).map(([kind, make]) => [kind, replayBasis(make)])),
};
