import { reference } from '@opt/backend-reference';
import { createOptimizer, type Shape, size, type Tensor, type Transform, trace } from '@opt/core';

export type Precision = 'f64' | 'f32';

/** Standard normal numbers from a seed (mulberry32, Box–Muller). */
export function normals(seed: number): (count: number) => Float64Array {
  let a = seed;
  const uniform = (): number => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return (count) => Float64Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
}

/** Runs a function of named tensors once on the reference backend. */
export function run(
  inputs: Readonly<Record<string, { readonly shape: Shape; readonly data: ArrayLike<number> }>>,
  f: (tensors: Record<string, Tensor>) => Readonly<Record<string, Tensor>>,
  precision: Precision = 'f64',
): Record<string, number[]> {
  const backend = reference({ precision });
  const program = trace(Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape])), (tensors) =>
    Object.fromEntries(Object.entries(f(tensors)).map(([name, value]) => [`result ${name}`, value])),
  );
  const buffers = new Map(
    [...program.inputs, ...program.outputs].map(({ key, shape, dtype }) => [key, backend.create('output', key, shape, dtype)]),
  );
  const bufferOf = (key: string) => {
    const buffer = buffers.get(key);
    if (buffer === undefined) throw new Error(`no buffer '${key}'`);
    return buffer;
  };
  for (const { key } of program.inputs) backend.write(bufferOf(key), inputs[key]?.data ?? []);
  backend.compile(program, bufferOf).run(new Float64Array(0));
  return Object.fromEntries(program.outputs.map(({ key }) => [key.slice('result '.length), Array.from(bufferOf(key).data)]));
}

/** The function of one matrix, its result as numbers. */
export const apply = (data: ArrayLike<number>, shape: Shape, f: (x: Tensor) => Tensor, precision?: Precision): number[] =>
  run({ x: { shape, data } }, ({ x }) => ({ y: f(required(x)) }), precision)['y'] ?? [];

const required = (x: Tensor | undefined): Tensor => {
  if (x === undefined) throw new Error('an input is missing');
  return x;
};

/** Singular values of a matrix, ascending. */
export function singularValues(data: ArrayLike<number>, shape: Shape): number[] {
  const [rows = 1, columns = 1] = shape;
  return apply(data, shape, (x) => {
    const gram = rows >= columns ? x.matmul(x, { transposeA: true }) : x.matmul(x, { transposeB: true });
    return gram.eigh().values.max(0).sqrt();
  });
}

/** One parameter `w` through steps with these gradients: its values after each. */
export function walk(
  transform: Transform,
  shape: Shape,
  initial: ArrayLike<number>,
  gradients: Iterable<ArrayLike<number>>,
  precision: Precision = 'f64',
): Float64Array[] {
  const optimizer = createOptimizer({ transform, parameters: { w: { shape, data: initial } }, backend: reference({ precision }) });
  const path = [Float64Array.from(optimizer.parameters.w)];
  for (const gradient of gradients) {
    optimizer.step({ w: gradient });
    path.push(Float64Array.from(optimizer.parameters.w));
  }
  optimizer.dispose();
  return path;
}

/** The parameter after one step. */
export const step = (
  transform: Transform,
  shape: Shape,
  initial: ArrayLike<number>,
  gradient: ArrayLike<number>,
  precision?: Precision,
): Float64Array => walk(transform, shape, initial, [gradient], precision)[1] ?? new Float64Array(0);

export const random = (seed: number, shape: Shape): Float64Array => normals(seed)(size(shape));

export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  a.length === b.length ? Math.max(...Array.from(a, (x, i) => Math.abs(x - (b[i] ?? Number.NaN)))) : Number.NaN;

/** a·b of row-major matrices [m, k] and [k, n]. */
export function product(a: ArrayLike<number>, b: ArrayLike<number>, m: number, k: number, n: number): Float64Array {
  return Float64Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let l = 0; l < k; l++) sum += (a[i * k + l] ?? 0) * (b[l * n + j] ?? 0);
    return sum;
  });
}

export const transposed = (a: ArrayLike<number>, m: number, n: number): Float64Array =>
  Float64Array.from({ length: m * n }, (_, at) => a[(at % m) * n + Math.floor(at / m)] ?? 0);

/** An orthogonal n × n matrix. */
export const rotation = (seed: number, n: number): number[] => apply(random(seed, [n, n]), [n, n], (x) => x.orthonormalize('complete'));
