import { broadcast, concat, identity, iota, mod, repeat, sameShape, scalar, size, type Tensor, where } from '@opt/core';
import { exact, finer, isExact, moved, product, rank, rounded, shapeOf, squashed, tame, type Value } from './values.ts';

/** What an instruction may draw on: the values so far, and numbers of its own. */
export interface Draw {
  readonly values: readonly Value[];
  /** The value the instruction works on. */
  readonly x: Value;
  /** A number below n, the k-th of this instruction. */
  pick(k: number, n: number): number;
}

/** One of the values that satisfy `f`; x where none does. */
function another({ values, x, pick }: Draw, f: (value: Value) => boolean): Value {
  const fitting = values.filter(f);
  return fitting[pick(3, fitting.length)] ?? x;
}

const limit = 600;

/** A value x broadcasts with. */
const partner = (draw: Draw): Value =>
  another(draw, (value) => {
    const shape = broadcast(shapeOf(value), shapeOf(draw.x));
    return shape !== undefined && size(shape) <= limit;
  });

const binary = (f: (draw: Draw, x: Value, y: Value) => Value) => (draw: Draw) =>
  draw.pick(4, 2) === 0 ? f(draw, draw.x, partner(draw)) : f(draw, partner(draw), draw.x);

/** Jumps only on exact values; elsewhere a smooth operation stands in. */
const jump = (f: (x: Tensor, y: Tensor) => Tensor, bound = 1) =>
  binary((_, x, y) => (isExact(x) && isExact(y) ? exact(f(x.tensor, y.tensor), bound, 0) : add(x, y)));

const add = (x: Value, y: Value): Value => exact(x.tensor.add(y.tensor), x.bound + y.bound, finer(x, y));

function reduction(op: 'sum' | 'maximum'): (draw: Draw) => Value {
  return ({ x, pick }) => {
    const axes = [...shapeOf(x).keys()].filter((axis) => pick(axis, 2) === 0);
    const result = x.tensor[op](axes.length === 0 ? undefined : axes, { keep: pick(4, 2) === 0 });
    const count = size(shapeOf(x)) / Math.max(1, size(result.shape));
    return exact(result, op === 'sum' ? x.bound * count : x.bound, x.fraction);
  };
}

const asMatrix = (x: Value): Value => {
  const shape = shapeOf(x);
  return rank(x) >= 2 ? x : moved(x, x.tensor.reshape([1, size(shape)]));
};

function matmul(draw: Draw): Value {
  const a = tame(asMatrix(draw.x), 30);
  const [rows = 1, columns = 1] = shapeOf(a).slice(-2);
  const transposeA = draw.pick(0, 2) === 1;
  const transposeB = draw.pick(1, 2) === 1;
  const inner = transposeA ? rows : columns;
  const fits = (value: Value): boolean => {
    const [r, c] = shapeOf(value).slice(-2);
    const batch = broadcast(shapeOf(value).slice(0, -2), shapeOf(a).slice(0, -2));
    return rank(value) >= 2 && (transposeB ? c : r) === inner && batch !== undefined && size(batch) <= 12;
  };
  const found = another(draw, fits);
  const b = fits(found) ? tame(found, 30) : a;
  const own = fits(found) ? transposeB : !transposeA;
  const alpha = [1, 0.5, -2][draw.pick(2, 3)] ?? 1;
  const plain = a.tensor.matmul(b.tensor, { transposeA, transposeB: own, alpha });
  const bound = 2 * inner * a.bound * b.bound;
  const fraction = product(a, b);
  const added = another({ ...draw, x: a }, (value) => sameShape(shapeOf(value), plain.shape) && value.tensor.dtype === plain.dtype);
  if (draw.pick(4, 2) === 0 || !sameShape(shapeOf(added), plain.shape))
    return exact(plain, bound, fraction === undefined ? undefined : fraction + 1);
  const whole = a.tensor.matmul(b.tensor, { transposeA, transposeB: own, alpha, add: added.tensor, beta: 0.25 });
  return exact(
    whole,
    bound + added.bound,
    fraction === undefined || added.fraction === undefined ? undefined : Math.max(fraction + 1, added.fraction + 2),
  );
}

/** A small symmetric positive matrix made of x. */
function gram(x: Value): Tensor {
  const a = squashed(asMatrix(x)).tensor;
  const rows = Math.min(a.shape.at(-2) ?? 1, 8);
  const part = a.slice([...a.shape.slice(0, -2).map(() => 0)], [...a.shape.slice(0, -2), rows]);
  return part.matmul(part, { transposeB: true });
}

function eigh({ x }: Draw): Value {
  const { values, vectors } = gram(x).eigh();
  // (1 + A)⁻¹: a smooth function of the matrix, whatever its eigenvectors.
  const weights = values.max(0).add(1).reciprocal();
  const shape = [...weights.shape.slice(0, -1), 1, weights.shape.at(-1) ?? 1];
  return rounded(vectors.mul(weights.reshape(shape)).matmul(vectors, { transposeB: true }), 2);
}

function orthonormalize({ x }: Draw): Value {
  const A = gram(x);
  return rounded(A.add(identity(A.shape.at(-1) ?? 1)).orthonormalize('complete'), 1);
}

function cholesky({ x, pick }: Draw): Value {
  const A = gram(x);
  const L = A.add(identity(A.shape.at(-1) ?? 1)).cholesky();
  return rounded(L.solveTriangular(A, { transpose: pick(0, 2) === 0 }), 1000);
}

function loop({ x, values, pick }: Draw): Value {
  const captured = another({ x, values, pick }, (value) => sameShape(shapeOf(value), shapeOf(x)) && value.tensor.dtype === x.tensor.dtype);
  const start = tame(x);
  const other = tame(captured);
  const { a } = repeat(
    1 + pick(0, 5),
    { a: start.tensor.working(), n: scalar(0) },
    ({ a: before, n }) => ({ a: before.mul(0.5).add(other.tensor.working().mul(0.25)).sub(n), n: n.add(1) }),
    pick(1, 2) === 0 ? undefined : ({ n }) => n.ge(pick(2, 4)),
  );
  return rounded(a, 500);
}

/** Positions 0 … n−1, moved about, as a vector. */
const positions = (n: number, pick: Draw['pick']): Tensor =>
  mod(
    iota(1 + pick(1, 6))
      .mul(1 + pick(2, 3))
      .add(pick(4, n)),
    n,
  ).int();

/** Every instruction a random program may hold. */
export const operations: Readonly<Record<string, (draw: Draw) => Value>> = {
  neg: ({ x }) => moved(x, x.tensor.neg()),
  abs: ({ x }) => moved(x, x.tensor.abs()),
  sign: ({ x }) => (isExact(x) ? exact(x.tensor.sign(), 1, 0) : moved(x, x.tensor.neg())),
  floor: ({ x }) => (isExact(x) ? exact(x.tensor.floor(), x.bound + 1, 0) : moved(x, x.tensor.abs())),
  isFinite: ({ x }) => exact(x.tensor.isFinite(), 1, 0),
  sqrt: ({ x }) => rounded(x.tensor.abs().add(0.25).sqrt(), Math.sqrt(x.bound + 0.25)),
  exp: ({ x }) => rounded(squashed(x).tensor.exp(), 3),
  expm1: ({ x }) => rounded(squashed(x).tensor.expm1(), 2),
  log: ({ x }) => rounded(x.tensor.abs().add(0.5).log(), Math.log(x.bound + 1) + 1),
  sin: ({ x }) => rounded(squashed(x).tensor.mul(3).sin(), 1),
  cos: ({ x }) => rounded(squashed(x).tensor.mul(3).cos(), 1),
  add: binary((_, x, y) => add(x, y)),
  sub: binary((_, x, y) => exact(x.tensor.sub(y.tensor), x.bound + y.bound, finer(x, y))),
  mul: binary((_, a, b) => {
    const [x, y] = [tame(a), tame(b)];
    return exact(x.tensor.mul(y.tensor), x.bound * y.bound, product(x, y));
  }),
  div: binary((_, x, y) => rounded(x.tensor.div(y.tensor.abs().add(0.5)), 2 * x.bound)),
  pow: binary((_, x, y) => rounded(tame(x).tensor.abs().add(0.5).pow(squashed(y).tensor), 101)),
  max: binary((_, x, y) => exact(x.tensor.max(y.tensor), Math.max(x.bound, y.bound), finer(x, y))),
  min: binary((_, x, y) => exact(x.tensor.min(y.tensor), Math.max(x.bound, y.bound), finer(x, y))),
  lerp: binary((_, x, y) => rounded(x.tensor.lerp(y.tensor, 0.1), x.bound + y.bound)),
  copySign: jump((x, y) => x.copySign(y), 100),
  lt: jump((x, y) => x.lt(y)),
  le: jump((x, y) => x.le(y)),
  eq: jump((x, y) => x.eq(y)),
  where: binary((draw, x, y) => {
    const both = broadcast(shapeOf(x), shapeOf(y)) ?? [];
    const condition = another(draw, (value) => isExact(value) && sameShape(broadcast(shapeOf(value), both) ?? [-1], both));
    const chosen = isExact(condition) && sameShape(broadcast(shapeOf(condition), both) ?? [-1], both) ? condition.tensor.gt(0) : scalar(1);
    return exact(where(chosen, x.tensor, y.tensor), Math.max(x.bound, y.bound), finer(x, y));
  }),
  sum: reduction('sum'),
  maximum: reduction('maximum'),
  reshape: ({ x, pick }) => {
    const count = size(shapeOf(x));
    const divisors = [1, 2, 3, 4, 5, 6].filter((n) => count % n === 0);
    const first = divisors[pick(0, divisors.length)] ?? 1;
    return moved(x, x.tensor.reshape(pick(1, 3) === 0 ? [count] : pick(1, 3) === 1 ? [first, count / first] : [count / first, 1, first]));
  },
  transpose: ({ x, pick }) => {
    const axes = [...shapeOf(x).keys()];
    const order: number[] = [];
    while (axes.length > 0) order.push(...axes.splice(pick(axes.length, axes.length), 1));
    return moved(x, x.tensor.transpose(order));
  },
  broadcastTo: ({ x, pick }) =>
    size(shapeOf(x)) > 100 || rank(x) > 3 ? moved(x, x.tensor.neg()) : moved(x, x.tensor.broadcastTo([1 + pick(0, 3), ...shapeOf(x)])),
  slice: ({ x, pick }) => {
    const starts = shapeOf(x).map((n, axis) => pick(axis, n));
    const ends = shapeOf(x).map((n, axis) => (starts[axis] ?? 0) + 1 + pick(axis + 1, n - (starts[axis] ?? 0)));
    return moved(x, x.tensor.slice(starts, ends));
  },
  concat: (draw) => {
    const { x, pick } = draw;
    if (rank(x) === 0 || size(shapeOf(x)) > 200) return moved(x, x.tensor.neg());
    const y = another(draw, (value) => sameShape(shapeOf(value), shapeOf(x)));
    const axis = pick(0, rank(x));
    return exact(concat([x.tensor, y.tensor, x.tensor.slice([], [])], axis), Math.max(x.bound, y.bound), finer(x, y));
  },
  gather: ({ x, pick }) => {
    if (rank(x) === 0) return x;
    const axis = pick(0, rank(x));
    return size(shapeOf(x)) > 200 ? x : moved(x, x.tensor.gather(positions(shapeOf(x)[axis] ?? 1, pick), axis));
  },
  row: ({ x, pick }) => (rank(x) === 0 ? x : moved(x, x.tensor.row(pick(0, (shapeOf(x)[0] ?? 1) + 1) - pick(1, 2)))),
  setRow: ({ x, pick, values }) => {
    if (rank(x) === 0) return x;
    const index = values.find((value) => isExact(value) && rank(value) === 0)?.tensor ?? scalar(pick(0, shapeOf(x)[0] ?? 1));
    return moved(x, x.tensor.setRow(index, x.tensor.row(pick(1, shapeOf(x)[0] ?? 1)).neg()));
  },
  argsort: ({ x }) => (rank(x) > 0 && isExact(x) ? exact(x.tensor.argsort(), shapeOf(x).at(-1) ?? 1, 0) : moved(x, x.tensor.neg())),
  int: ({ x }) => (isExact(x) ? exact(x.tensor.int(), x.bound, 0) : moved(x, x.tensor.neg())),
  wide: ({ x }) => moved(x, x.tensor.wide()),
  working: ({ x }) => moved(x, x.tensor.working()),
  iota: ({ pick }) => exact(iota(1 + pick(0, 9)).add(0.5), 10, 1),
  matmul,
  eigh,
  orthonormalize,
  cholesky,
  loop,
};
