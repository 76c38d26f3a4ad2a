/** The same rules once more, on plain arrays of f64: what rules that ask are held against. */

export type Vector = readonly number[];

/** f(x) = ¼Σx⁴ + ½xᵀAx with a full symmetric A: every element depends on every other. */
export interface Problem {
  loss(x: Vector): number;
  gradient(x: Vector): number[];
  product(x: Vector, v: Vector): number[];
}

export const plus = (x: Vector, y: Vector, by = 1): number[] => x.map((a, i) => a + by * (y[i] ?? 0));
export const dot = (x: Vector, y: Vector): number => x.reduce((sum, a, i) => sum + a * (y[i] ?? 0), 0);
export const times = (x: Vector, by: number): number[] => x.map((a) => a * by);

const entry = (i: number, j: number): number => (i === j ? 1 + (i % 3) : 0.25 * Math.cos(1 + i * j + i + j));
const multiply = (x: Vector): number[] => x.map((_, i) => x.reduce((sum, a, j) => sum + entry(i, j) * a, 0));

export const problem: Problem = {
  loss: (x) => x.reduce((sum, a) => sum + a ** 4 / 4, 0) + dot(x, multiply(x)) / 2,
  gradient: (x) =>
    plus(
      multiply(x),
      x.map((a) => a ** 3),
    ),
  product: (x, v) =>
    plus(
      multiply(v),
      v.map((a, i) => 3 * (x[i] ?? 0) ** 2 * a),
    ),
};

/** One step of a rule: where x goes. */
export type Walk = (x: Vector) => number[];

export const sgdAhead =
  (h: number, rate: number, shifts: (i: number) => boolean = () => true): Walk =>
  (x) => {
    const there = plus(
      x,
      problem.gradient(x).map((g, i) => (shifts(i) ? -h * g : 0)),
    );
    const g = problem.gradient(x);
    return plus(
      x,
      problem.gradient(there).map((u, i) => (shifts(i) ? u : (g[i] ?? 0))),
      -rate,
    );
  };

export const sam =
  (rho: () => number, rate: number, eta?: number): Walk =>
  (x) => {
    const T = x.map((a) => (eta === undefined ? 1 : Math.abs(a) + eta));
    const h = problem.gradient(x).map((g, i) => g * (T[i] ?? 1));
    const e = h.map((one, i) => (rho() * one * (T[i] ?? 1)) / Math.sqrt(dot(h, h)));
    return plus(x, problem.gradient(plus(x, e)), -rate);
  };

export function exactMars(beta: number, gamma: number, rate: number): Walk {
  let m: number[] | undefined;
  let before: Vector | undefined;
  return (x) => {
    const g = problem.gradient(x);
    const old = before === undefined ? g : problem.gradient(before);
    const c = plus(g, plus(g, old, -1), (gamma * beta) / (1 - beta));
    m = plus(times(m ?? times(g, 0), beta), c, 1 - beta);
    before = x;
    return plus(x, m, -rate);
  };
}

export const zerothOrder =
  (h: number, rate: number, draw: (n: number) => Vector): Walk =>
  (x) => {
    const z = draw(x.length);
    return plus(x, z, (-rate * (problem.loss(plus(x, z, h)) - problem.loss(plus(x, z, -h)))) / (2 * h));
  };
