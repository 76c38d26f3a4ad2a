import { mapValues, type Tensor, trace } from '@opt/core';
import {
  blockStiefel,
  cleanSymplectic,
  doublyStochastic,
  exactPolar,
  expSinkhorn,
  grassmannian,
  hypersphere,
  l1Stiefel,
  type ManifoldRule,
  muon,
  type NewtonSchulzOptions,
  newtonSchulz,
  norMuon,
  oblique,
  orthosymplectic,
  quintic,
  roundMarginals,
  safePolarExpress,
  sinkhorn,
  slMuon,
  spectralBall,
  spectralSphere,
  stiefel,
  symplectic,
  type Triple,
} from '@opt/geometric';
import { runProgram } from '../run-program.ts';
import { type AnyBackend, type Family, type Hyperparameters, type Inputs, type MakeReplay, missingInput, shapesOf } from './family.ts';

/**
 * Recorded runs write `nsSteps: 0` and `nsCoefficients: null` for the exact polar factor, which has neither, and `radius: 1` for every
 * manifold.
 */
const given = (hyperparameters: Hyperparameters): Hyperparameters =>
  Object.fromEntries(
    Object.entries(hyperparameters).filter(
      ([name, value]) => value !== null && !(name === 'nsSteps' && value === 0) && !(name === 'radius' && value === 1),
    ),
  );

type MakeRule = (hyperparameters: Hyperparameters) => ManifoldRule;

const rules: Readonly<Record<string, MakeRule>> = mapValues<string, MakeRule, MakeRule>(
  {
    stiefel,
    'block-stiefel': (options) => blockStiefel({ ...options, blocks: Number(options['blocks'] ?? 1) }),
    'l1-stiefel': l1Stiefel,
    oblique,
    hypersphere,
    'spectral-sphere': spectralSphere,
    'spectral-ball': spectralBall,
    grassmannian,
    'sl-muon': slMuon,
    symplectic,
    'doubly-stochastic': doublyStochastic,
  },
  (make) => (hyperparameters) => make(given(hyperparameters)),
);

/** Machine epsilon of a backend's working precision. */
const epsilonOf = ({ precision }: AnyBackend): number => (precision === 'f64' ? 2 ** -52 : 2 ** -23);

/** A building block that is one function of the inputs called `names`, its result called `result`. */
function component(
  names: readonly string[],
  result: string,
  make: (hyperparameters: Hyperparameters, epsilon: number) => (...inputs: Tensor[]) => Tensor,
): MakeReplay {
  return async (hyperparameters, backend) => {
    const f = make(hyperparameters, epsilonOf(backend));
    return async (inputs: Inputs) => {
      const program = trace(shapesOf(inputs), (tensors) => {
        const operands = names.flatMap((name) => tensors[name] ?? []);
        if (operands.length !== names.length) throw missingInput(inputs);
        return { result: f(...operands) };
      });
      return { [result]: (await runProgram(backend, program, inputs))['result'] ?? [] };
    };
  };
}

const first =
  (f: (x: Tensor) => Tensor) =>
  (x?: Tensor): Tensor => {
    if (x === undefined) throw missingInput({});
    return f(x);
  };

const isTriple = (value: unknown): value is Triple => Array.isArray(value) && value.length === 3;
const isTriples = (value: unknown): value is readonly Triple[] => Array.isArray(value) && value.every(isTriple);

function iterationOf({ coefficients, schedule, steps, safety, epsilon }: Hyperparameters): NewtonSchulzOptions {
  const start = { safety: Number(safety ?? 1), epsilon: Number(epsilon ?? 0) };
  const count = Number(steps ?? 5);
  if (schedule === 'polar-express') return { ...start, triples: safePolarExpress(count, start.safety) };
  const triples = isTriples(schedule) ? schedule : [isTriple(coefficients) ? coefficients : quintic];
  return { ...start, triples: Array.from({ length: count }, (_, i) => triples[Math.min(i, triples.length - 1)] ?? quintic) };
}

/** What every manifold has: its definition of the constraint, its tangent space and its projection. */
const ofManifolds: Readonly<Record<string, MakeReplay>> = Object.fromEntries(
  Object.entries(rules).flatMap(([name, make]): [string, MakeReplay][] => [
    [`constraint-error.${name}`, component(['W'], 'error', (options) => first(make(options).manifold.error))],
    [
      `tangent.${name}`,
      component(['W', 'U'], 'xi', (options) => (w, u) => {
        if (w === undefined || u === undefined) throw missingInput({});
        return make(options).manifold.tangent(w, u);
      }),
    ],
    [`project.${name}`, component(['W'], 'W', (options, epsilon) => first((w) => make(options).manifold.project(w, epsilon)))],
  ]),
);

/** Recorded runs of Muon name a list of triples `nsCoefficients`, and cautious decay by a flag. */
function muonGiven(hyperparameters: Hyperparameters): Hyperparameters {
  const { cautious, nsCoefficients, ...rest } = given(hyperparameters);
  return {
    ...rest,
    ...(cautious !== undefined && { decayMode: cautious === true ? 'cautious' : 'decoupled' }),
    ...(isTriples(nsCoefficients) ? { orthogonalization: 'schedule', schedule: nsCoefficients } : { nsCoefficients }),
  };
}

export const geometricFamily: Family = {
  optimizers: { ...rules, muon: (options) => muon(muonGiven(options)), normuon: (options) => norMuon(muonGiven(options)) },
  components: {
    ...ofManifolds,
    'newton-schulz': component(['G'], 'X', (options) => first((g) => newtonSchulz(g, iterationOf(options)))),
    'exact-polar': component(['G'], 'X', ({ rankTolerance }, epsilon) =>
      first((g) => exactPolar(g, epsilon, rankTolerance === undefined ? undefined : Number(rankTolerance))),
    ),
    'project.newton-schulz': component(['W'], 'W', (options) => first((w) => newtonSchulz(w, iterationOf(options)))),
    'project.exp-sinkhorn': component(['W'], 'W', ({ iterations, temperature, epsilon }) =>
      first((w) => expSinkhorn(w, Number(iterations ?? 10), Number(temperature ?? 1), Number(epsilon ?? 1e-10))),
    ),
    'project.marginal-rounding': component(['W'], 'W', () => first(roundMarginals)),
    // Recorded for a positive matrix, not for its exponential.
    'project.doubly-stochastic': component(['W'], 'W', () => first((w) => sinkhorn(w.log(), 2000, 1e-15))),
    'project.symplectic': component(['W'], 'W', ({ method }, epsilon) =>
      first((w) => {
        if (method === 'newton-schulz') return cleanSymplectic(w);
        return method === 'orthosymplectic' ? orthosymplectic(w, epsilon) : symplectic().manifold.project(w, epsilon);
      }),
    ),
  },
  measures: {
    constraintError(optimizer, hyperparameters, name, shape) {
      const rule = rules[optimizer]?.(hyperparameters);
      return rule?.constrains(name, shape) ? rule.manifold.error : undefined;
    },
  },
};
