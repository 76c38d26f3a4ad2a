import { reference } from '@opt/backend-reference';
import { createOptimizer, type Optimizer, type Shape, size, type Transform } from '@opt/core';

export const numbers = (seed: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(seed + 1.7 * i + 0.3 * i * i));
export const values = (data: ArrayLike<number> | undefined): number[] => Array.from(data ?? []);

/** An optimizer of these parameters, whose values are `numbers` by position. */
export const make = (
  transform: Transform,
  shapes: Readonly<Record<string, Shape>>,
  precision: 'f64' | 'f32' = 'f64',
): Optimizer<string, 'sync', 'sync'> =>
  createOptimizer({
    transform,
    parameters: Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, { shape, data: numbers(i, size(shape)) }])),
    backend: reference({ precision }),
  });

/** How far one parameter, w, moves in each step. */
export function moves(transform: Transform, shape: Shape, gradients: readonly (readonly number[])[]): number[][] {
  const optimizer = make(transform, { w: shape });
  let before = values(optimizer.parameters['w']);
  return gradients.map((w) => {
    optimizer.step({ w });
    const after = values(optimizer.parameters['w']);
    const moved = after.map((x, i) => x - (before[i] ?? 0));
    before = after;
    return moved;
  });
}

/** a·b, both row-major with n columns and rows. */
export const product = (a: readonly number[], b: readonly number[], n: number): number[] => {
  const columns = b.length / n;
  return Array.from({ length: (a.length / n) * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    return Array.from({ length: n }, (_, k) => (a[i * n + k] ?? 0) * (b[k * columns + j] ?? 0)).reduce((x, y) => x + y, 0);
  });
};

export const transposed = (a: readonly number[], columns: number): number[] =>
  Array.from({ length: a.length }, (_, at) => {
    const rows = a.length / columns;
    return a[(at % rows) * columns + Math.floor(at / rows)] ?? 0;
  });

/** A rotation by an angle, [2, 2]. */
export const rotation = (angle: number): number[] => [Math.cos(angle), -Math.sin(angle), Math.sin(angle), Math.cos(angle)];
