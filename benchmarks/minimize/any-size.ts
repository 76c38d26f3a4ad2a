import { counted, from, type LeastSquares, rows, sum } from './problem.ts';

const { exp, sqrt, sin, cos } = Math;

const variablyDimensioned = (n: number): LeastSquares => {
  const weighted = (x: ArrayLike<number>): number => sum(n, (j) => j * (counted(x)(j) - 1));
  return {
    name: `variably dimensioned, n = ${n}`,
    start: from(n, (j) => 1 - j / n),
    minima: [0],
    residuals: (x) => [...from(n, (i) => counted(x)(i) - 1), weighted(x), weighted(x) ** 2],
    jacobian: (x) => [...rows(n, (i) => from(n, (j) => Number(i === j))), from(n, (j) => j), from(n, (j) => 2 * j * weighted(x))],
  };
};

const watson = (n: number, least: number): LeastSquares => {
  const inner = (x: ArrayLike<number>, t: number): number => sum(n, (j) => counted(x)(j) * t ** (j - 1));
  return {
    name: `Watson, n = ${n}`,
    start: from(n, () => 0),
    minima: [least],
    residuals(x) {
      const at = counted(x);
      const first = from(29, (i) => {
        const t = i / 29;
        return sum(n - 1, (k) => k * at(k + 1) * t ** (k - 1)) - inner(x, t) ** 2 - 1;
      });
      return [...first, at(1), at(2) - at(1) ** 2 - 1];
    },
    jacobian: (x) => [
      ...rows(29, (i) => {
        const t = i / 29;
        return from(n, (j) => (j === 1 ? 0 : (j - 1) * t ** (j - 2)) - 2 * inner(x, t) * t ** (j - 1));
      }),
      from(n, (j) => Number(j === 1)),
      from(n, (j) => (j === 1 ? -2 * counted(x)(1) : Number(j === 2))),
    ],
  };
};

const penaltyI = (n: number, least: number): LeastSquares => ({
  name: `penalty I, n = ${n}`,
  start: from(n, (j) => j),
  minima: [least],
  residuals: (x) => [...from(n, (i) => sqrt(1e-5) * (counted(x)(i) - 1)), sum(n, (j) => counted(x)(j) ** 2) - 0.25],
  jacobian: (x) => [...rows(n, (i) => from(n, (j) => (i === j ? sqrt(1e-5) : 0))), from(n, (j) => 2 * counted(x)(j))],
});

const penaltyII = (n: number, least: number): LeastSquares => {
  const root = sqrt(1e-5);
  return {
    name: `penalty II, n = ${n}`,
    start: from(n, () => 0.5),
    minima: [least],
    residuals(x) {
      const at = counted(x);
      return [
        at(1) - 0.2,
        ...from(n - 1, (k) => root * (exp(at(k + 1) / 10) + exp(at(k) / 10) - exp((k + 1) / 10) - exp(k / 10))),
        ...from(n - 1, (k) => root * (exp(at(k + 1) / 10) - exp(-1 / 10))),
        sum(n, (j) => (n - j + 1) * at(j) ** 2) - 1,
      ];
    },
    jacobian(x) {
      const at = counted(x);
      const slope = (j: number): number => (root * exp(at(j) / 10)) / 10;
      return [
        from(n, (j) => Number(j === 1)),
        ...rows(n - 1, (k) => from(n, (j) => (j === k || j === k + 1 ? slope(j) : 0))),
        ...rows(n - 1, (k) => from(n, (j) => (j === k + 1 ? slope(j) : 0))),
        from(n, (j) => 2 * (n - j + 1) * at(j)),
      ];
    },
  };
};

/** Of two minima with f near 0 the paper gives one. */
const trigonometric = (n: number, other: number): LeastSquares => ({
  name: `trigonometric, n = ${n}`,
  start: from(n, () => 1 / n),
  minima: [0, other],
  residuals(x) {
    const at = counted(x);
    const cosines = sum(n, (j) => cos(at(j)));
    return from(n, (i) => n - cosines + i * (1 - cos(at(i))) - sin(at(i)));
  },
  jacobian(x) {
    const at = counted(x);
    return rows(n, (i) => from(n, (j) => sin(at(j)) + (i === j ? i * sin(at(i)) - cos(at(i)) : 0)));
  },
});

const extendedRosenbrock = (n: number): LeastSquares => ({
  name: `extended Rosenbrock, n = ${n}`,
  start: from(n, (j) => (j % 2 === 1 ? -1.2 : 1)),
  minima: [0],
  residuals(x) {
    const at = counted(x);
    return from(n, (i) => (i % 2 === 1 ? 10 * (at(i + 1) - at(i) ** 2) : 1 - at(i - 1)));
  },
  jacobian(x) {
    const at = counted(x);
    return rows(n, (i) => from(n, (j) => (i % 2 === 1 ? (j === i ? -20 * at(i) : j === i + 1 ? 10 : 0) : j === i - 1 ? -1 : 0)));
  },
});

const extendedPowellSingular = (n: number): LeastSquares => {
  /** The four variables that residual i is about, and which of its four it is. */
  const block = (x: ArrayLike<number>, i: number): [at: (k: number) => number, first: number, which: number] => {
    const first = i - ((i - 1) % 4);
    return [(k) => counted(x)(first + k), first, (i - 1) % 4];
  };
  return {
    name: `extended Powell singular, n = ${n}`,
    start: from(n, (j) => [3, -1, 0, 1][(j - 1) % 4] ?? 0),
    minima: [0],
    residuals: (x) =>
      from(n, (i) => {
        const [at, , which] = block(x, i);
        if (which === 0) return at(0) + 10 * at(1);
        if (which === 1) return sqrt(5) * (at(2) - at(3));
        return which === 2 ? (at(1) - 2 * at(2)) ** 2 : sqrt(10) * (at(0) - at(3)) ** 2;
      }),
    jacobian: (x) =>
      rows(n, (i) => {
        const [at, first, which] = block(x, i);
        const [p, q] = [2 * (at(1) - 2 * at(2)), 2 * sqrt(10) * (at(0) - at(3))];
        const four = [
          [1, 10, 0, 0],
          [0, 0, sqrt(5), -sqrt(5)],
          [0, p, -2 * p, 0],
          [q, 0, 0, -q],
        ][which];
        return from(n, (j) => four?.[j - first] ?? 0);
      }),
  };
};

/** Shifted Chebyshev polynomials T₁ … T_m at x and their derivatives. */
function chebyshev(m: number, x: number): { readonly T: number[]; readonly slopes: number[] } {
  const z = 2 * x - 1;
  const [T, slopes] = [
    [1, z],
    [0, 2],
  ];
  for (let i = 2; i <= m; i++) {
    T.push(2 * z * (T[i - 1] ?? 0) - (T[i - 2] ?? 0));
    slopes.push(4 * (T[i - 1] ?? 0) + 2 * z * (slopes[i - 1] ?? 0) - (slopes[i - 2] ?? 0));
  }
  return { T, slopes };
}

const chebyquad = (n: number, least: number): LeastSquares => ({
  name: `Chebyquad, n = ${n}`,
  start: from(n, (j) => j / (n + 1)),
  minima: [least],
  residuals(x) {
    const all = Array.from(x, (one) => chebyshev(n, one).T);
    return from(n, (i) => all.reduce((total, T) => total + (T[i] ?? 0), 0) / n - (i % 2 === 0 ? -1 / (i * i - 1) : 0));
  },
  jacobian(x) {
    const all = Array.from(x, (one) => chebyshev(n, one).slopes);
    return rows(n, (i) => all.map((slopes) => (slopes[i] ?? 0) / n));
  },
});

/** Those that are defined for many numbers of variables, with one of them. */
export const anySize: readonly LeastSquares[] = [
  variablyDimensioned(10),
  watson(6, 2.28767005355e-3),
  penaltyI(10, 7.08765146709e-5),
  penaltyII(10, 2.93660374e-4),
  trigonometric(10, 2.79506e-5),
  extendedRosenbrock(10),
  extendedPowellSingular(12),
  chebyquad(8, 3.51687372567e-3),
];
