import { dot, plus, times, type Vector } from './plain.ts';

/** What L-BFGS needs of a function. */
export interface Smooth {
  loss(x: Vector): number;
  gradient(x: Vector): number[];
}

export interface PlainLbfgs {
  readonly learningRate?: number;
  readonly maxIter: number;
  readonly maxEval?: number;
  readonly toleranceGrad?: number;
  readonly toleranceChange?: number;
  readonly historySize?: number;
  readonly lineSearch?: 'strongWolfe' | null;
}

/** One step, as a walk that remembers; with how often it evaluated, and how many iterations it made. */
export interface Steps {
  (x: Vector): number[];
  readonly evaluations: number[];
  readonly iterations: number[];
}

interface End {
  readonly a: number;
  readonly f: number;
  readonly g: Vector;
  readonly slope: number;
}

const most = (x: Vector): number => x.reduce((largest, one) => Math.max(largest, Math.abs(one)), 0);

/** torch.optim.LBFGS on plain arrays, written with loops and branches as its specification has them. */
export function lbfgs({ loss, gradient }: Smooth, options: PlainLbfgs): Steps {
  const { learningRate = 1, maxIter, toleranceGrad = 1e-7, toleranceChange = 1e-9, historySize = 100, lineSearch = null } = options;
  const maxEval = options.maxEval ?? Math.floor((5 * maxIter) / 4);
  const pairs: { s: Vector; y: Vector }[] = [];
  let before: { g: Vector; s: Vector } | undefined;
  let gamma = 1;

  function direction(g: Vector): number[] {
    let q = times(g, -1);
    const alphas: number[] = [];
    for (const { s, y } of [...pairs].reverse()) {
      const alpha = dot(s, q) / dot(y, s);
      alphas.unshift(alpha);
      q = plus(q, y, -alpha);
    }
    q = times(q, gamma);
    for (const [i, { s, y }] of pairs.entries()) q = plus(q, s, (alphas[i] ?? 0) - dot(y, q) / dot(y, s));
    return q;
  }

  function search(x: Vector, d: Vector, start: End, first: number, budget: number): { end: End; used: number } {
    const at = (a: number): End => {
      const there = plus(x, d, a);
      const g = gradient(there);
      return { a, f: loss(there), g, slope: dot(g, d) };
    };
    let [previous, current, j] = [start, at(first), 0];
    let bracket: [End, End] | undefined;
    let found: End | undefined;
    while (j < budget && bracket === undefined && found === undefined) {
      if (current.f > start.f + 1e-4 * current.a * start.slope || (j > 1 && current.f >= previous.f)) bracket = [previous, current];
      else if (Math.abs(current.slope) <= -0.9 * start.slope) found = current;
      else if (current.slope >= 0) bracket = [previous, current];
      else {
        const next = cubic(previous, current, current.a + 0.01 * (current.a - previous.a), 10 * current.a);
        [previous, current] = [current, at(next)];
        j++;
      }
    }
    if (found !== undefined) return { end: found, used: 1 + j };
    const ends: [End, End] = bracket ?? [start, current];
    const lowOf = (): 0 | 1 => (ends[0].f <= ends[1].f ? 0 : 1);
    let low = lowOf();
    let close = false;
    while (j < budget) {
      const [L, U] = [Math.min(ends[0].a, ends[1].a), Math.max(ends[0].a, ends[1].a)];
      if ((U - L) * most(d) < toleranceChange) break;
      let a = cubic(ends[0], ends[1], L, U);
      const margin = 0.1 * (U - L);
      if (Math.min(U - a, a - L) < margin) {
        if (close || a >= U || a <= L) {
          a = Math.abs(a - U) < Math.abs(a - L) ? U - margin : L + margin;
          close = false;
        } else close = true;
      } else close = false;
      const trial = at(a);
      j++;
      const high = low === 0 ? 1 : 0;
      if (trial.f > start.f + 1e-4 * a * start.slope || trial.f >= ends[low].f) {
        ends[high] = trial;
        low = lowOf();
      } else {
        const flat = Math.abs(trial.slope) <= -0.9 * start.slope;
        if (!flat && trial.slope * (ends[high].a - ends[low].a) >= 0) ends[high] = ends[low];
        ends[low] = trial;
        if (flat) break;
      }
    }
    return { end: ends[low], used: 1 + j };
  }

  const [evaluations, iterations]: number[][] = [[], []];
  const step = (from: Vector): number[] => {
    let [x, f, g] = [[...from], loss(from), gradient(from)];
    let [e, i] = [1, 0];
    const over = (): number[] => {
      evaluations?.push(e);
      iterations?.push(i);
      return x;
    };
    if (most(g) <= toleranceGrad) return over();
    for (;;) {
      i++;
      const first = before === undefined;
      if (before !== undefined) {
        const y = plus(g, before.g, -1);
        if (dot(y, before.s) > 1e-10) {
          pairs.push({ s: before.s, y });
          if (pairs.length > historySize) pairs.shift();
          gamma = dot(y, before.s) / dot(y, y);
        }
      }
      const d = direction(g);
      const slope = dot(g, d);
      const first_a = first ? learningRate * Math.min(1, 1 / g.reduce((sum, one) => sum + Math.abs(one), 0)) : learningRate;
      before = { g, s: times(d, first_a) };
      const f0 = f;
      if (slope > -toleranceChange) return over();
      if (lineSearch === null) {
        x = plus(x, d, first_a);
        if (i < maxIter) {
          [f, g] = [loss(x), gradient(x)];
          e++;
        }
      } else {
        const { end, used } = search(x, d, { a: 0, f, g, slope }, first_a, maxEval - e);
        x = plus(x, d, end.a);
        before = { g, s: times(d, end.a) };
        [f, g] = [end.f, [...end.g]];
        e += used;
      }
      if (i === maxIter || e >= maxEval || most(g) <= toleranceGrad) return over();
      if (most(before.s) <= toleranceChange || Math.abs(f - f0) < toleranceChange) return over();
    }
  };
  return Object.assign(step, { evaluations: evaluations ?? [], iterations: iterations ?? [] });
}

/** The minimum of the cubic through two points with their slopes, within [low, top]; the middle where it has none. */
function cubic(p: End, q: End, low: number, top: number): number {
  const [l, u] = p.a <= q.a ? [p, q] : [q, p];
  const t1 = l.slope + u.slope - (3 * (l.f - u.f)) / (l.a - u.a);
  const radicand = t1 ** 2 - l.slope * u.slope;
  if (!(radicand >= 0)) return (low + top) / 2;
  const t2 = Math.sqrt(radicand);
  return Math.min(Math.max(u.a - (u.a - l.a) * ((u.slope + t2 - t1) / (u.slope - l.slope + 2 * t2)), low), top);
}
