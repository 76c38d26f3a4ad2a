import { displacement, full, quotient, scalar, type Tensor, trace } from '@opt/core';
import { type Curvature, type Observation, orthogonalized } from '@opt/lre-curvature';
import { runProgram } from '../run-program.ts';
import { type Family, type Hyperparameters, type Inputs, type MakeReplay, missingInput, shapesOf } from './family.ts';
import { curvatureKinds } from './lre-parts.ts';
import { owner, replayStage, type Stage } from './replay-stage.ts';

const refreshes = (inputs: Inputs | undefined): boolean => inputs?.['shouldUpdate']?.data[0] === 1;

/** How many calls there are since the last refresh before each call, that call included. */
function stepsSince(all: readonly Inputs[]): number[] {
  let steps = 0;
  return all.map((inputs) => {
    const own = ++steps;
    if (refreshes(inputs)) steps = 0;
    return own;
  });
}

/** A curvature fed with gradients, products and samples: its corrections come out. */
const replayCurvature =
  (make: (options: Hyperparameters) => Curvature): MakeReplay =>
  async ({ symmetrize = false, ...options }, backend, first, all) => {
    const curvature = make(options);
    const d = (first['gradient'] ?? first['perSampleGradients'])?.shape.at(-1) ?? 0;
    const b = first['perSampleGradients']?.shape[0] ?? 0;
    const since = stepsSince(all);
    const window = Math.max(...since);
    const most = curvature.columns === 'steps' ? window : curvature.columns === 'samples' ? b : curvature.columns;
    let call = 0;
    const stage: Stage = {
      d,
      results: { gradient: [d], accepted: [], columns: [], Y: [most, d], Z: [most, d], alpha: [most], correction: [d, d] },
      declare: (at) => curvature.declare(owner, d, window, at.child(curvature.name)),
      prepare(inputs, index) {
        call = index;
        return { inputs, kind: `${refreshes(inputs)} ${since[index]} ${index === 0}` };
      },
      objective: (inputs) => objectiveOf(inputs, b),
      run(site, given, flow) {
        if (site.pass === 'probe') {
          if (given('z') !== undefined) site.probe(owner, full([d], 0));
          return {};
        }
        if (site.pass === 'check') return {};
        const gradient = flow.updates[owner] ?? full([d], 0);
        const steps = since[call] ?? 1;
        const [Q, L] = [given('Q'), given('L')];
        const project = (v: Tensor, L?: Tensor): Tensor => {
          if (Q === undefined) return v.mul(0);
          const p = Q.matmul(v.reshape([d, 1]), { transposeA: true });
          return Q.matmul(L === undefined ? p : p.mul(L.reshape([-1, 1]))).reshape([d]);
        };
        const observation = curvature.observe({
          owner,
          site: site.child(curvature.name),
          gradient,
          parameter: given('parameters') ?? full([d], 0),
          refresh: refreshes(all[call]),
          columns: steps,
          place: scalar(steps - 1),
          first: call === 0,
          matrix: { multiply: (v) => project(v, L), project, largest: L?.abs().maximum() ?? scalar(0) },
        });
        return results(observation, gradient, most, symmetrize === true);
      },
    };
    const run = await replayStage(backend, stage);
    return async (inputs) => {
      const { Y = [], Z = [], alpha = [], columns = [0], ...rest } = await run(inputs);
      const k = columns[0] ?? 0;
      return { ...rest, Y: transposed(Y, k, d), Z: transposed(Z, k, d), alpha: Array.from(alpha).slice(0, k) };
    };
  };

function objectiveOf(inputs: Inputs, b: number): ReturnType<NonNullable<Stage['objective']>> {
  const { loss, z, Hz, perSampleGradients: J, perSampleLosses: losses } = inputs;
  return {
    ...(loss && { loss: () => loss.data[0] ?? 0 }),
    ...(z && Hz && { probe: () => ({ [owner]: z.data }), hvp: () => ({ [owner]: Hz.data }) }),
    ...(J && losses && { samples: b, perSampleGradients: () => ({ gradients: { [owner]: J.data }, losses: losses.data }) }),
  };
}

/** A correction with as many rows as the widest one has. */
function results({ gradient, correction }: Observation, given: Tensor, most: number, symmetrize: boolean): Record<string, Tensor> {
  const handed = { gradient: gradient ?? given };
  if (correction === undefined) return { ...handed, accepted: scalar(0), columns: scalar(0) };
  const { Y: y, Z: z, alpha, accepted = scalar(1) } = correction;
  const Y = symmetrize && z !== undefined ? y.add(z).mul(0.5) : y;
  const Z = symmetrize || z === undefined ? Y : z;
  const [k = 0, d = 0] = Y.shape;
  const weights = alpha ?? full([k], 1);
  const whole = Y.mul(weights.reshape([k, 1])).matmul(Z, { transposeA: true });
  const padded = (x: Tensor, to: Tensor): Tensor => Array.from({ length: k }).reduce<Tensor>((all, _, j) => all.setRow(j, x.row(j)), to);
  return {
    ...handed,
    accepted,
    columns: scalar(k),
    Y: padded(Y, full([most, d], 0)),
    Z: padded(Z, full([most, d], 0)),
    alpha: padded(weights, full([most], 0)),
    correction: whole.add(whole.T).mul(0.5),
  };
}

/** The first k rows of d numbers, as columns. */
const transposed = (rows: ArrayLike<number>, k: number, d: number): number[] =>
  Array.from({ length: k * d }, (_, i) => rows[(i % k) * d + Math.floor(i / k)] ?? 0);

/** The product that gradients at shifted parameters stand for. */
const replayDifference =
  (method: 'forward' | 'central'): MakeReplay =>
  async () =>
  async ({ z, h, g0, gPlus, gMinus }) => {
    const step = h?.data[0] ?? 0;
    const probe = { z: Float64Array.from(z?.data ?? []) };
    const values = (of: Inputs[string] | undefined): Record<string, readonly number[]> => ({ z: of?.data ?? [] });
    const Hz =
      method === 'central' ? quotient(probe, values(gPlus), values(gMinus), 2 * step) : quotient(probe, values(gPlus), values(g0), step);
    return { displacement: displacement(probe, step)['z'] ?? [], Hz: Hz['z'] ?? [] };
  };

const replayOrthogonalization: MakeReplay = async (_, backend) => (inputs) =>
  runProgram(
    backend,
    trace(shapesOf(inputs), ({ z, Q }) => {
      if (z === undefined) throw missingInput(inputs);
      const project = (v: Tensor): Tensor =>
        Q === undefined ? v.mul(0) : Q.matmul(Q.matmul(v.reshape([-1, 1]), { transposeA: true })).reshape([-1]);
      return { z: orthogonalized(z, z, project, backend.precision === 'f64' ? 2 ** -52 : 2 ** -23) };
    }),
    inputs,
  );

export const lreCurvatureFamily: Family = {
  optimizers: {},
  components: {
    ...Object.fromEntries(Object.entries(curvatureKinds).map(([kind, make]) => [kind, replayCurvature(make)])),
    'hvp-forward': replayDifference('forward'),
    'hvp-central': replayDifference('central'),
    'probe-orthogonalization': replayOrthogonalization,
  },
};
