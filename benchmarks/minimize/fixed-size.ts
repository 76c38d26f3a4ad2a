import { counted, from, type LeastSquares, rows } from './problem.ts';

const { exp, log, sqrt, atan, PI, abs, sin, cos } = Math;

const helicalValley: LeastSquares = {
  name: 'helical valley',
  start: [-1, 0, 0],
  minima: [0],
  residuals(x) {
    const at = counted(x);
    const [a, b, c] = [at(1), at(2), at(3)];
    const theta = atan(b / a) / (2 * PI) + (a < 0 ? 0.5 : 0);
    return [10 * (c - 10 * theta), 10 * (sqrt(a * a + b * b) - 1), c];
  },
  jacobian(x) {
    const at = counted(x);
    const square = at(1) ** 2 + at(2) ** 2;
    const turn = 100 / (2 * PI * square);
    const radial = 10 / sqrt(square);
    return [
      [turn * at(2), -turn * at(1), 10],
      [radial * at(1), radial * at(2), 0],
      [0, 0, 1],
    ];
  },
};

const biggsExp6: LeastSquares = {
  name: 'Biggs EXP6',
  start: [1, 2, 1, 1, 1, 1],
  minima: [0, 5.655649925e-3],
  residuals(x) {
    const at = counted(x);
    return from(13, (i) => {
      const t = i / 10;
      const y = exp(-t) - 5 * exp(-10 * t) + 3 * exp(-4 * t);
      return at(3) * exp(-t * at(1)) - at(4) * exp(-t * at(2)) + at(6) * exp(-t * at(5)) - y;
    });
  },
  jacobian(x) {
    const at = counted(x);
    return rows(13, (i) => {
      const t = i / 10;
      const [p, q, r] = [exp(-t * at(1)), exp(-t * at(2)), exp(-t * at(5))];
      return [-t * at(3) * p, t * at(4) * q, p, -q, -t * at(6) * r, r];
    });
  },
};

const observed = [0.0009, 0.0044, 0.0175, 0.054, 0.1295, 0.242, 0.3521, 0.3989];

const gaussian: LeastSquares = {
  name: 'Gaussian',
  start: [0.4, 1, 0],
  minima: [1.12793277e-8],
  residuals(x) {
    const at = counted(x);
    return from(15, (i) => at(1) * exp((-at(2) * ((8 - i) / 2 - at(3)) ** 2) / 2) - (observed[i <= 8 ? i - 1 : 15 - i] ?? 0));
  },
  jacobian(x) {
    const at = counted(x);
    return rows(15, (i) => {
      const d = (8 - i) / 2 - at(3);
      const e = exp((-at(2) * d * d) / 2);
      return [e, (-at(1) * e * d * d) / 2, at(1) * e * at(2) * d];
    });
  },
};

const powellBadlyScaled: LeastSquares = {
  name: 'Powell badly scaled',
  start: [0, 1],
  minima: [0],
  residuals(x) {
    const at = counted(x);
    return [1e4 * at(1) * at(2) - 1, exp(-at(1)) + exp(-at(2)) - 1.0001];
  },
  jacobian(x) {
    const at = counted(x);
    return [
      [1e4 * at(2), 1e4 * at(1)],
      [-exp(-at(1)), -exp(-at(2))],
    ];
  },
};

const box: LeastSquares = {
  name: 'Box three-dimensional',
  start: [0, 10, 20],
  minima: [0],
  residuals(x) {
    const at = counted(x);
    return from(10, (i) => exp(-0.1 * i * at(1)) - exp(-0.1 * i * at(2)) - at(3) * (exp(-0.1 * i) - exp(-i)));
  },
  jacobian(x) {
    const at = counted(x);
    return rows(10, (i) => {
      const t = 0.1 * i;
      return [-t * exp(-t * at(1)), t * exp(-t * at(2)), exp(-i) - exp(-t)];
    });
  },
};

const brownBadlyScaled: LeastSquares = {
  name: 'Brown badly scaled',
  start: [1, 1],
  minima: [0],
  residuals(x) {
    const at = counted(x);
    return [at(1) - 1e6, at(2) - 2e-6, at(1) * at(2) - 2];
  },
  jacobian(x) {
    const at = counted(x);
    return [
      [1, 0],
      [0, 1],
      [at(2), at(1)],
    ];
  },
};

const brownDennis: LeastSquares = {
  name: 'Brown and Dennis',
  start: [25, 5, -5, -1],
  minima: [85822.20162635634],
  residuals(x) {
    const at = counted(x);
    return from(20, (i) => (at(1) + (i / 5) * at(2) - exp(i / 5)) ** 2 + (at(3) + at(4) * sin(i / 5) - cos(i / 5)) ** 2);
  },
  jacobian(x) {
    const at = counted(x);
    return rows(20, (i) => {
      const t = i / 5;
      const [p, q] = [2 * (at(1) + t * at(2) - exp(t)), 2 * (at(3) + at(4) * sin(t) - cos(t))];
      return [p, p * t, q, q * sin(t)];
    });
  },
};

/** With |yᵢ − x₂|, for which the minimum they give is one. */
const gulf: LeastSquares = {
  name: 'Gulf research and development',
  start: [5, 2.5, 0.15],
  minima: [0],
  residuals(x) {
    const at = counted(x);
    return from(99, (i) => exp(-(abs(25 + (-50 * log(i / 100)) ** (2 / 3) - at(2)) ** at(3)) / at(1)) - i / 100);
  },
  jacobian(x) {
    const at = counted(x);
    return rows(99, (i) => {
      const d = 25 + (-50 * log(i / 100)) ** (2 / 3) - at(2);
      const power = abs(d) ** at(3);
      const e = exp(-power / at(1));
      return [(e * power) / at(1) ** 2, (e * at(3) * power) / (at(1) * d), (-e * power * log(abs(d))) / at(1)];
    });
  },
};

const beale: LeastSquares = {
  name: 'Beale',
  start: [1, 1],
  minima: [0],
  residuals(x) {
    const at = counted(x);
    return [1.5, 2.25, 2.625].map((y, i) => y - at(1) * (1 - at(2) ** (i + 1)));
  },
  jacobian(x) {
    const at = counted(x);
    return rows(3, (i) => [at(2) ** i - 1, i * at(1) * at(2) ** (i - 1)]);
  },
};

const wood: LeastSquares = {
  name: 'Wood',
  start: [-3, -1, -3, -1],
  minima: [0],
  residuals(x) {
    const at = counted(x);
    return [
      10 * (at(2) - at(1) ** 2),
      1 - at(1),
      sqrt(90) * (at(4) - at(3) ** 2),
      1 - at(3),
      sqrt(10) * (at(2) + at(4) - 2),
      (at(2) - at(4)) / sqrt(10),
    ];
  },
  jacobian(x) {
    const at = counted(x);
    return [
      [-20 * at(1), 10, 0, 0],
      [-1, 0, 0, 0],
      [0, 0, -2 * sqrt(90) * at(3), sqrt(90)],
      [0, 0, -1, 0],
      [0, sqrt(10), 0, sqrt(10)],
      from(4, (j) => (j === 2 ? 1 : j === 4 ? -1 : 0) / sqrt(10)),
    ];
  },
};

/** Those whose number of variables is what it is. */
export const fixedSize: readonly LeastSquares[] = [
  helicalValley,
  biggsExp6,
  gaussian,
  powellBadlyScaled,
  box,
  brownBadlyScaled,
  brownDennis,
  gulf,
  beale,
  wood,
];
