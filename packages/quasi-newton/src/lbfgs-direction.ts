import { type Hyper, perTensor, repeat, scalar, type Tensor, type Transform, TransformError, where } from '@opt/core';
import { descent, dot, type Pairs, pairSlots, withPair } from './pairs.ts';
import { further, type Line, type Search, startOf } from './strong-wolfe.ts';

export interface Directing {
  readonly name: string;
  readonly learningRate: Hyper;
  readonly maxIter: number;
  readonly maxEval: number;
  readonly toleranceGrad: number;
  readonly toleranceChange: number;
  readonly historySize: number;
  readonly lineSearch: 'strongWolfe' | null;
  /** What sᵀy has to exceed for a pair to be taken. */
  readonly leastCurvature: (y: Tensor) => Tensor | number;
}

/** What moves on within a step: `going` is 0 once an iteration stopped it, and everything else stays from then on. */
interface Walk {
  readonly going: Tensor;
  /** How far the parameters are from where the step found them. */
  readonly moved: Tensor;
  /** f and g there, at the beginning of an iteration; and its direction d, a·d being tried first. */
  readonly f: Tensor;
  readonly g: Tensor;
  readonly d: Tensor;
  readonly slope: Tensor;
  readonly a: Tensor;
  /** What the last iteration moved by, for the pair of the next one. */
  readonly s: Tensor;
  /** Iterations of this step, and of all. */
  readonly i: Tensor;
  readonly iterations: Tensor;
  readonly pairs: Pairs;
}

/** Offered from outside: 0 at elements of parameters that have no gradient and stand still. */
export const standing = 'standing';

const largestOf = (x: Tensor): Tensor => x.abs().maximum().wide();

/** u = x − x₊: as much as all iterations of a step move. Everything that depends on values is a select, since questions are asked in the middle. */
export function lbfgsDirection(o: Directing): Transform {
  const { historySize, maxIter, maxEval, toleranceGrad, toleranceChange, lineSearch } = o;

  return perTensor({
    name: o.name,
    hyper: { learningRate: o.learningRate },
    needs: [
      { what: 'gradient', evaluated: 'shifted' },
      { what: 'loss', evaluated: 'shifted' },
    ],
    state: ({ shape: [n = 1] }) => ({
      ...pairSlots(historySize, n),
      gradient: { shape: [n], kind: 'vector' },
      move: { shape: [n], kind: 'vector' },
      parameters: { shape: [n], kind: 'vector' },
      iterations: { shape: [], kind: 'invariant', dtype: 'wide' },
    }),
    apply({ update: g, parameter, owner, site, state, hyper: { learningRate } }) {
      if (site.framed)
        throw new TransformError(
          `${o.name}: pairs of moves and gradients cannot turn with a basis; L-BFGS makes the same steps without one`,
        );
      const still = site.extras[standing];
      const only = (x: Tensor): Tensor => (still === undefined ? x : x.mul(still));

      /** The next iteration, from (f, g), where `starts` is not 0: its pair, its direction, its first length. */
      function begun(walk: Walk, f: Tensor, g: Tensor, starts: Tensor): Walk {
        const y = g.sub(walk.g);
        const curvature = dot(walk.s, y);
        const first = walk.iterations.le(0);
        const pairs = withPair(walk.pairs, walk.s, y, curvature, starts.mul(first.not()).mul(curvature.gt(o.leastCurvature(y))));
        // A loop of one round, so that a direction nobody wants is not computed.
        const { d } = repeat(
          1,
          { d: walk.d },
          () => ({ d: only(descent(pairs, g)) }),
          () => starts.not(),
        );
        const slope = where(starts, dot(g, d), walk.slope);
        const length = where(first, g.abs().sum().wide().max(1).reciprocal(), 1).mul(learningRate);
        const steep = slope.gt(-toleranceChange).mul(starts);
        return {
          going: walk.going.mul(steep.not()),
          moved: walk.moved,
          f: where(starts, f, walk.f),
          g: where(starts, g, walk.g),
          d,
          slope,
          a: where(starts, length, walk.a),
          // Nothing has moved yet; where nothing will, there is no pair either.
          s: where(steep, 0, walk.s),
          i: walk.i.add(starts),
          iterations: walk.iterations.add(starts),
          pairs,
        };
      }

      /** f and g at x + moved + shift; where f is no number, g is not asked for. */
      function asked(t: number, shift: Tensor, going: Tensor): { f: Tensor; g: Tensor; fails: Tensor } {
        const f = site.evaluate(`loss ${t}`, { want: 'loss', shift: { [owner]: shift }, when: going });
        const succeeds = f.isFinite();
        const when = going.mul(succeeds);
        const g = only(site.evaluate(`gradient ${t}`, owner, { want: 'gradient', shift, when }));
        return { f: where(succeeds, f, site.largest).wide(), g, fails: succeeds.not() };
      }

      /** Whether an iteration that arrived at (f, g) is the last of its step. */
      const ended = (walk: Walk, f: Tensor, g: Tensor, s: Tensor, budget: boolean): Tensor =>
        budget
          ? scalar(1)
          : [
              walk.i.ge(maxIter),
              largestOf(g).le(toleranceGrad),
              largestOf(s).le(toleranceChange),
              f.sub(walk.f).abs().lt(toleranceChange),
            ].reduce((one, other) => one.max(other));

      /** After an iteration that moved by s and arrived at (f, g): the end of the step, or the next one. */
      function arrived(walk: Walk, done: Tensor, s: Tensor, f: Tensor, g: Tensor, stop: Tensor, later: boolean): Walk {
        const at = {
          ...walk,
          moved: walk.moved.add(where(done, s, 0)),
          s: where(done, s, walk.s),
          going: walk.going.mul(done.mul(stop).not()),
        };
        return later ? begun(at, f, g, at.going.mul(done)) : at;
      }

      function withoutSearch(walk: Walk): Walk {
        const evaluations = Math.min(maxIter - 1, Math.max(1, maxEval - 1));
        for (let t = 1; t <= evaluations; t++) {
          const s = walk.d.mul(walk.a.working());
          const { f, g, fails } = asked(t, walk.moved.add(s), walk.going);
          const kept = where(fails, 0, s);
          const stop = ended(walk, f, g, s, 1 + t >= maxEval).max(fails);
          walk = arrived(walk, walk.going, kept, f, g, stop, 1 + t < maxEval);
        }
        // The last of all iterations moves without a look at where it arrives.
        const s = walk.d.mul(walk.a.working());
        return arrived(walk, walk.going, s, walk.f, walk.g, scalar(1), false);
      }

      function withSearch(start: Walk): Walk {
        let walk = start;
        const line = (): Line => ({
          start: { a: scalar(0).wide(), f: walk.f, slope: walk.slope },
          reach: largestOf(walk.d),
          toleranceChange,
          largest: site.largest,
        });
        let now = line();
        let search: Search = startOf(now.start);
        let [a, held, tried] = [walk.a, walk.g, scalar(0).wide()];
        for (let t = 1; t <= maxEval; t++) {
          const { f, g, fails } = asked(t, walk.moved.add(walk.d.mul(a.working())), walk.going);
          const slope = where(fails, site.largest, dot(g, walk.d));
          const last = t === maxEval;
          const found = further(search, { a, f, slope }, tried.ge(2), last, now);
          const best = where(found.fresh, g, where(found.none, walk.g, held));
          const done = walk.going.mul(found.done);
          const { chosen } = found;
          const s = walk.d.mul(chosen.a.working());
          const goesOn = maxIter > 1 && 1 + t < maxEval;
          const stop = ended(walk, chosen.f, best, s, !goesOn);
          walk = arrived(walk, done, s, chosen.f, best, stop, goesOn);
          if (last) break;
          // A new iteration begins a new search.
          const starts = goesOn ? done.mul(walk.going) : scalar(0);
          if (goesOn) now = line();
          search = among(starts, startOf(now.start), found.search);
          a = where(starts, walk.a, found.next);
          held = where(starts, walk.g, best);
          tried = where(starts, 0, tried.add(1));
        }
        return walk;
      }

      const found = site.evaluate('start', { want: 'loss', finite: true });
      const f = found.wide();
      const since = parameter.sub(state.parameters);
      const { S, Y, products, taken, gamma } = state;
      const still0 = parameter.mul(0);
      const before: Walk = {
        going: scalar(1),
        moved: still0,
        f,
        g: state.gradient,
        d: still0,
        slope: scalar(0).wide(),
        a: scalar(0).wide(),
        // Whoever else has moved the parameters since.
        s: only(state.move.add(where(state.iterations.gt(0), since, 0))),
        i: scalar(0).wide(),
        iterations: state.iterations,
        pairs: { S, Y, products, taken, gamma },
      };
      // Nothing more is asked in a step that is dropped.
      const starts = largestOf(g).gt(toleranceGrad).mul(found.isFinite());
      const first = begun({ ...before, going: starts }, f, g, starts);
      const walk = lineSearch === null ? withoutSearch(first) : withSearch(first);
      const kept = (after: Tensor, slot: Tensor): Tensor => where(starts, after, slot);
      return {
        update: walk.moved.neg(),
        state: {
          ...walk.pairs,
          gradient: walk.g,
          move: kept(walk.s, state.move),
          parameters: kept(parameter.add(walk.moved), state.parameters),
          iterations: walk.iterations,
        },
      };
    },
  });
}

/** The first where `when` is not 0, else the second. */
function among(when: Tensor, p: Search, q: Search): Search {
  const pick = (x: Tensor, y: Tensor): Tensor => where(when, x, y);
  const point = (x: Search['kept'], y: Search['kept']): Search['kept'] => ({
    a: pick(x.a, y.a),
    f: pick(x.f, y.f),
    slope: pick(x.slope, y.slope),
  });
  return {
    kept: point(p.kept, q.kept),
    other: point(p.other, q.other),
    zooming: pick(p.zooming, q.zooming),
    first: pick(p.first, q.first),
    close: pick(p.close, q.close),
  };
}
