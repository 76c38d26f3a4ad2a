import { all, scalar, type Tensor, where } from '@opt/core';

/** φ(a) = f(x + a·d) where it was evaluated, all in the best precision there is. */
export interface Point {
  readonly a: Tensor;
  readonly f: Tensor;
  /** φ′(a). */
  readonly slope: Tensor;
}

/** How a search stands between two evaluations. */
export interface Search {
  /** The better end of the bracket; before there is one, the trial before the last. */
  readonly kept: Point;
  readonly other: Point;
  /** 1 once there is a bracket. */
  readonly zooming: Tensor;
  /** 1 where the better end is that which was found first: the order decides between equals. */
  readonly first: Tensor;
  /** 1 where the last trial was close to an end of the bracket. */
  readonly close: Tensor;
}

/** What one more evaluation made of a search. */
export interface Found {
  readonly search: Search;
  readonly next: Tensor;
  /** 1 where the search is over; then `chosen` is where. */
  readonly done: Tensor;
  readonly chosen: Point;
  /** 1 where the kept end is the point just evaluated. */
  readonly fresh: Tensor;
  /** 1 where nothing better than the start was found. */
  readonly none: Tensor;
}

/** What a search starts from, and what it needs to know of the direction. */
export interface Line {
  readonly start: Point;
  /** max|d|. */
  readonly reach: Tensor;
  readonly toleranceChange: number;
  /** What stands for the loss where there is none. */
  readonly largest: number;
}

const [c1, c2] = [1e-4, 0.9];

export const startOf = (start: Point): Search => ({
  kept: start,
  other: start,
  zooming: scalar(0).wide(),
  first: scalar(1).wide(),
  close: scalar(0).wide(),
});

const choose = (when: Tensor, p: Point, q: Point): Point => ({
  a: where(when, p.a, q.a),
  f: where(when, p.f, q.f),
  slope: where(when, p.slope, q.slope),
});

/**
 * The strong-Wolfe search of torch.optim.LBFGS, one evaluation further: a bracket by extrapolation, then a zoom, both by cubics. `several`: 1 from the
 * third evaluation on; `last`: there will be no further one.
 */
export function further(search: Search, trial: Point, several: Tensor, last: boolean, line: Line): Found {
  const { kept, other, zooming, first, close } = search;
  const { start, reach, toleranceChange, largest } = line;
  const bracketing = zooming.not();
  const high = trial.f.gt(start.f.add(start.slope.mul(trial.a).mul(c1)));
  const flat = trial.slope.abs().le(start.slope.mul(-c2));
  const lower = trial.f.lt(kept.f);

  // What the trial is: an end of a first bracket, the worse end of a smaller one, or better than what there was.
  const worse = high.max(lower.not().mul(zooming.max(several)));
  const accepted = worse.not().mul(flat);
  const opens = bracketing.mul(worse.max(accepted.not().mul(trial.slope.ge(0))));
  const ordered = opens.max(zooming.mul(worse));
  // Of two ends the lower one; of equal ones that which was found first.
  const tie = trial.f.eq(kept.f).mul(zooming).mul(first.not());
  const takes = last ? where(bracketing, trial.f.lt(start.f), where(worse, lower.max(tie), 1)) : where(ordered, lower.max(tie), 1);
  const none = last ? bracketing.mul(takes.not()) : scalar(0);
  const beyond = trial.slope.mul(other.a.sub(kept.a)).ge(0);
  const stays = zooming.mul(worse.not()).mul(beyond.not());
  const better = choose(takes, trial, kept);
  const rest = choose(takes, choose(stays, other, kept), trial);
  const inside = zooming.max(opens);
  const swapped = where(opens, takes.not(), where(zooming.mul(worse).mul(takes), first.not(), first));
  if (last) {
    const chosen = choose(none, start, better);
    return { search, next: trial.a, done: scalar(1), chosen, fresh: takes.mul(none.not()), none };
  }

  const narrow = inside.mul(rest.a.sub(better.a).abs().mul(reach).lt(toleranceChange));
  const low = where(inside, rest.a.min(better.a), better.a.add(better.a.sub(rest.a).mul(0.01)));
  const top = where(inside, rest.a.max(better.a), better.a.mul(10));
  const step = cubic(rest, better, low, top, largest);
  const margin = top.sub(low).mul(0.1);
  const near = inside.mul(top.sub(step).min(step.sub(low)).lt(margin));
  const moves = near.mul(close.max(step.ge(top)).max(step.le(low)));
  const away = where(step.sub(top).abs().lt(step.sub(low).abs()), top.sub(margin), low.add(margin));
  return {
    search: { kept: better, other: rest, zooming: inside.wide(), first: swapped.wide(), close: near.mul(moves.not()).wide() },
    next: where(moves, away, step),
    done: accepted.max(narrow),
    chosen: better,
    fresh: takes,
    none,
  };
}

/** Where the cubic through two points has its minimum, within [low, top]; the middle where it has none, or where one of them has no loss. */
function cubic(p: Point, q: Point, low: Tensor, top: Tensor, largest: number): Tensor {
  const ordered = p.a.le(q.a);
  const [l, u] = [choose(ordered, p, q), choose(ordered, q, p)];
  const t1 = l.slope.add(u.slope).sub(l.f.sub(u.f).div(l.a.sub(u.a)).mul(3));
  const radicand = t1.square().sub(l.slope.mul(u.slope));
  const t2 = radicand.max(0).sqrt();
  const minimum = u.a.sub(
    u.a.sub(l.a).mul(
      u.slope
        .add(t2)
        .sub(t1)
        .div(u.slope.sub(l.slope).add(t2.mul(2))),
    ),
  );
  const exists = all([radicand.isFinite(), radicand.ge(0), minimum.isFinite(), l.f.max(u.f).lt(largest)]);
  return where(exists, where(exists, minimum, low).max(low).min(top), low.add(top).mul(0.5));
}
