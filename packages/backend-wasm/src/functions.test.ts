import { type Tensor, trace } from '@opt/core';
import { expect, test } from 'vitest';
import { wasm } from './index.ts';
import { runOn } from './testing/compare.ts';

/** x·s⁸ in f64, of f32 numbers x and powers of two s: any magnitude that f64 has. */
interface Wide {
  readonly x: number;
  readonly s: number;
}

const eighth = (s: number): number => ((s * s) ** 2) ** 2;
const value = ({ x, s }: Wide): number => (Math.abs(s) < 1 ? x * s * s * s * s * s * s * s * s : x * eighth(s));
const wide = (x: Tensor, s: Tensor): Tensor => {
  let product = x.wide();
  for (let i = 0; i < 8; i++) product = product.mul(s.wide());
  return product;
};

/** A function of one or two arguments, entry by entry, in f64. */
function applied(f: (x: Tensor, y: Tensor) => Tensor, xs: readonly Wide[], ys: readonly Wide[] = xs): Float64Array {
  const [shape, data] = [
    [xs.length],
    { x: xs.map(({ x }) => x), s: xs.map(({ s }) => s), y: ys.map(({ x }) => x), t: ys.map(({ s }) => s) },
  ];
  const inputs = { x: shape, s: shape, y: shape, t: shape };
  const program = trace(inputs, ({ x, s, y, t }) => ({ z: f(wide(x, s), wide(y, t)) }), 'functions');
  return Float64Array.from(runOn(wasm(), program, data)['z'] ?? []);
}

const plain = (xs: readonly number[]): Wide[] => xs.map((x) => ({ x: Math.fround(x), s: 1 }));

/** Magnitudes 2ᵃ to 2ᵇ of both signs. */
function spread(count: number, a: number, b: number): Wide[] {
  let state = 12345;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => {
    const exponent = a + (b - a) * uniform();
    const eighths = Math.trunc(exponent / 8);
    const x = (uniform() < 0.5 ? -1 : 1) * 2 ** (exponent - 8 * eighths);
    return { x: Math.fround(x), s: 2 ** eighths };
  });
}

const ends = [
  ...plain([0, -0, 1, -1, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]),
  { x: 2 ** -58, s: 2 ** -127 },
  { x: -(2 ** -58), s: 2 ** -127 },
  { x: 2 - 2 ** -23, s: 2 ** 127 },
];

function expectClose(
  name: string,
  actual: ArrayLike<number>,
  expected: readonly number[],
  at: (i: number) => string,
  ulps: number,
  absolute = 2 ** -1074,
): void {
  for (const [i, e] of expected.entries()) {
    const a = actual[i] ?? Number.NaN;
    const allowed = ulps * (2 ** -52 * Math.abs(e) + absolute);
    if (!(Object.is(a, e) || Math.abs(a - e) <= allowed)) expect.fail(`${name}(${at(i)}): received ${a}, expected ${e}`);
  }
}

// Quarter turns of a large number are counted to 2⁻⁶⁴: near a zero of sine or cosine that is what is left.
test.each([
  ['exp', 9, Math.exp, (x: Tensor) => x.exp(), [709.78, 709.79, -744, -745.2, -708.5, -746, 1e30]],
  ['expm1', 9, Math.expm1, (x: Tensor) => x.expm1(), [709.78, 709.79, -40, 40, 1e-10, -1e-10, 0.34, -0.35]],
  ['log', 1023, Math.log, (x: Tensor) => x.log(), [1 - 2 ** -24, 1 + 2 ** -23, Math.SQRT1_2, Math.SQRT2]],
  ['sin', 1023, Math.sin, (x: Tensor) => x.sin(), [Math.PI, 2 * Math.PI, 355, 823549.5, 1e22, 2 ** 120]],
  ['cos', 1023, Math.cos, (x: Tensor) => x.cos(), [Math.PI / 2, 11, 5 * Math.PI, 823549.5, 1e22, 2 ** 120]],
] as const)('%s is within three units of the last place of JavaScript’s', (name, most, truth, f, more) => {
  const xs = [...spread(20_000, -1074, most), ...spread(20_000, -8, Math.min(most, 21)), ...ends, ...plain(more)];
  const values = xs.map(value);
  expectClose(name, applied(f, xs), values.map(truth), (i) => `${values[i]}`, 3, name === 'sin' || name === 'cos' ? 2 ** -62 : undefined);
});

test('pow follows JavaScript at every edge, and to |y ln x| units elsewhere', () => {
  const bases = [...ends, ...plain([-2, -3, 2, 3, 0.1, -0.1, 10])];
  const exponents = [...ends, ...plain([2, 3, -2, -3, 0.5, -0.5, 1 / 3, 2 ** 53])];
  const pairs = [...bases.flatMap((x) => exponents.map((y) => [x, y] as const))];
  const some = spread(5000, -30, 30).map(
    ({ x, s }, i) => [{ x: Math.abs(x), s }, plain([((i % 997) - 498) / 37])[0] ?? expect.fail()] as const,
  );
  for (const [list, ulps] of [
    [pairs, 800],
    [some, 300],
  ] as const) {
    const [xs, ys] = [list.map(([x]) => x), list.map(([, y]) => y)];
    const truth = list.map(([x, y]) => value(x) ** value(y));
    expectClose(
      'pow',
      applied((x, y) => x.pow(y), xs, ys),
      truth,
      (i) => list[i]?.map(value).join(', ') ?? '',
      ulps,
    );
  }
});
