import { reference } from '@opt/backend-reference';
import {
  type Backend,
  concatenated,
  createOptimizer,
  hyper,
  type MaybePromise,
  type Mode,
  type Objective,
  type Optimizer,
  OptionTypeError,
  rule,
} from '@opt/core';
import { type Evaluation, Evaluator, Exhausted } from './evaluator.ts';
import { move } from './lbfgs.ts';
import { lbfgsDirection } from './lbfgs-direction.ts';
import { type MinimizeOptions, resolveMinimize, startOf, type Vector } from './minimize-options.ts';
import type { MinimizeResult, MinimizeStatus } from './minimize-result.ts';
import { dot } from './pairs.ts';
import { done, settled, type Work } from './settled.ts';

/** The most trials of one line search; where so few find nothing, it is tried again with more. */
const [few, many] = [5, 30];

/**
 * The minimum of f near x0, by L-BFGS with a strong-Wolfe line search, in f64 unless another backend is given. Without `jac` gradients come from
 * differences, n + 1 or 2n + 1 evaluations each. It ends where max|g| ≤ gtol, or where an iteration lowers f by at most ftol·max(|f|, 1). A value
 * that is NaN or infinite is a trial that went too far. On a backend that runs or is read asynchronously, and for a function that gives promises,
 * the result is a promise.
 *
 * @throws OptionRangeError · OptionTypeError, naming the option · ObjectiveError where f or jac give something else than they must · what they throw
 */
export function minimize<A, B extends Backend<Mode, Mode, never, unknown> = SyncBackend>(
  f: (x: Float64Array) => A,
  x0: Vector,
  options?: MinimizeOptions<B>,
): A extends Promise<unknown> ? Promise<MinimizeResult> : B extends SyncBackend ? MinimizeResult : Promise<MinimizeResult>;
export function minimize(f: (x: Float64Array) => unknown, x0: Vector, options: MinimizeOptions = {}): MaybePromise<MinimizeResult> {
  return done(minimizing(f, x0, options));
}

type SyncBackend = Backend<'sync', 'sync', never, unknown>;

function* minimizing(f: unknown, x0: unknown, options: MinimizeOptions): Work<MinimizeResult> {
  const o = resolveMinimize(f, options);
  const start = startOf(x0);
  const evaluator = new Evaluator(o.f, o.slopes, o);
  const backend: Backend<Mode, Mode, never, unknown> = o.backend ?? reference();
  let iterations = 0;
  let best: Evaluation = { x: start, f: Number.NaN, g: new Float64Array(start.length).fill(Number.NaN), usable: false };

  const result = (status: MinimizeStatus): MinimizeResult => ({
    x: best.x.slice(),
    fun: best.f,
    jac: best.g.slice(),
    iterations,
    evaluations: evaluator.evaluations,
    gradientEvaluations: evaluator.gradientEvaluations,
    success: status === 'gtol' || status === 'ftol',
    status,
    message: messages[status],
  });

  /** Iterations with pairs that begin anew; undefined where a line search found nothing. */
  function* along(optimizer: Optimizer<'x', Mode, Mode>): Work<MinimizeStatus | undefined> {
    const objective = objectiveOf(evaluator, () => best);
    // In f32 it is next to where it was put.
    best = yield* evaluator.at(Float64Array.from(yield* settled(optimizer.parameters.x)));
    for (;;) {
      if (largest(best.g) <= o.gtol) return 'gtol';
      if (iterations >= o.maxIterations) return 'maxIterations';
      yield* settled(optimizer.step(objective));
      const now = yield* evaluator.at(Float64Array.from(yield* settled(optimizer.parameters.x)));
      const moved = now.x.some((value, i) => value !== best.x[i]);
      if (!moved || !(now.f <= best.f)) return undefined;
      const gain = best.f - now.f;
      best = now;
      evaluator.keep(now);
      iterations++;
      if (stops(o.callback?.(result('callback')))) return 'callback';
      if (largest(best.g) > o.gtol && gain <= o.ftol * Math.max(Math.abs(now.f), Math.abs(now.f + gain), 1)) return 'ftol';
    }
  }

  try {
    const first = yield* evaluator.at(start);
    best = first;
    if (!first.usable) return result('nonFinite');
    for (let trials = few; ; ) {
      const before = iterations;
      const optimizer = yield* settled(
        createOptimizer<'x', never, unknown>({
          transform: transformOf(o.historySize, trials),
          parameters: { x: { shape: [start.length], data: best.x } },
          backend,
        }),
      );
      try {
        const status = yield* along(optimizer);
        if (status !== undefined) return result(status);
      } finally {
        optimizer.dispose();
      }
      // Once more without what was remembered of the Hessian, and with patience; where that does not help, nothing does.
      if (trials === many && iterations === before) return result('lineSearch');
      trials = many;
    }
  } catch (error) {
    if (error instanceof Exhausted) return result(error.status);
    throw error;
  } finally {
    if (o.backend === null) backend.dispose();
  }
}

/** One iteration a step, so that everything can be looked at between two of them. */
const transformOf = (historySize: number, trials: number): ReturnType<typeof rule> =>
  rule(
    concatenated(
      lbfgsDirection({
        name: 'lbfgs',
        learningRate: hyper('lbfgs', 'learningRate', 1),
        maxIter: 1,
        maxEval: trials,
        toleranceGrad: 0,
        toleranceChange: 0,
        historySize,
        lineSearch: 'strongWolfe',
        // As L-BFGS-B has it, whatever the unit of f.
        leastCurvature: (y) => dot(y, y).mul(Number.EPSILON),
      }),
    ),
    move,
  );

/** A place without a usable gradient is one without a loss. */
function objectiveOf(evaluator: Evaluator, here: () => Evaluation): Objective<'x', Mode> {
  const at = (there: { readonly x: ArrayLike<number> } | undefined): MaybePromise<Evaluation> =>
    there === undefined ? here() : done(evaluator.at(Float64Array.from(there.x)));
  const of = <T>(found: MaybePromise<Evaluation>, read: (one: Evaluation) => T): MaybePromise<T> =>
    found instanceof Promise ? found.then(read) : read(found);
  return {
    gradients: (there) => of(at(there), ({ g }) => ({ x: g })),
    loss: (there) => of(at(there), ({ f, usable }) => (usable ? f : Infinity)),
  };
}

function stops(answer: unknown): boolean {
  if (typeof answer === 'object' && answer !== null && 'then' in answer)
    throw new OptionTypeError('minimize: callback must give true or nothing at once, received a promise');
  return answer === true;
}

const largest = (x: Float64Array): number => x.reduce((most, one) => Math.max(most, Math.abs(one)), 0);

const messages: Readonly<Record<MinimizeStatus, string>> = {
  gtol: 'max|g| is at most gtol',
  ftol: 'the last iteration lowered f by at most ftol·max(|f|, 1)',
  maxIterations: 'maxIterations were made before a tolerance was met',
  maxEvaluations: 'maxEvaluations were made before a tolerance was met',
  callback: 'the callback returned true',
  aborted: 'the signal was aborted',
  lineSearch: `no lower value was found along −g within ${many} trials: f is flat to rounding, its gradient is wrong, or a tolerance is too small`,
  nonFinite: 'f or its gradient is NaN or infinite at x0',
};
