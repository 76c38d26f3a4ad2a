import { eigenvectors, outerGram, product } from './matrix.ts';

/** A plane through weight space, and where the paths are on it. */
export interface Plane {
  readonly centre: Float64Array;
  /** Two unit vectors. */
  readonly directions: readonly [Float64Array, Float64Array];
  /** By path, by point: coordinates along the two. */
  readonly paths: readonly (readonly (readonly [number, number])[])[];
  /** Share of the squared distances from the centre that lies in the plane. */
  readonly share: number;
}

/**
 * The two leading directions of the points of all paths: X holds the points less their mean, one a row; the eigenvectors u of XXᵀ give the
 * directions Xᵀu/√λ and the coordinates √λ·u.
 */
export function leadingPlane(paths: readonly (readonly Float32Array[])[]): Plane {
  const points = paths.flat();
  const [count, length] = [points.length, points[0]?.length ?? 0];
  if (count < 3) throw new Error(`slice: a plane takes three points, there are ${count}`);
  const centre = new Float64Array(length);
  for (const point of points) for (let i = 0; i < length; i++) centre[i] = (centre[i] ?? 0) + (point[i] ?? 0) / count;
  const X = { rows: count, columns: length, data: new Float64Array(count * length) };
  points.forEach((point, row) => {
    for (let i = 0; i < length; i++) X.data[row * length + i] = (point[i] ?? 0) - (centre[i] ?? 0);
  });
  const { values, vectors } = eigenvectors(outerGram(X));
  const along = [0, 1].map((k) => {
    const [root, u] = [Math.sqrt(Math.max(Number.MIN_VALUE, values[k] ?? 0)), vectors[k] ?? new Float64Array(count)];
    const direction = product({ rows: 1, columns: count, data: u.map((value) => value / root) }, X).data;
    return { direction, coordinates: Array.from(u, (value) => root * value) };
  });
  const [first, second] = along;
  if (first === undefined || second === undefined) throw new Error('slice: no directions');
  let from = 0;
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  return {
    centre,
    directions: [first.direction, second.direction],
    paths: paths.map((path) =>
      path.map((): readonly [number, number] => {
        const at = from++;
        return [first.coordinates[at] ?? 0, second.coordinates[at] ?? 0];
      }),
    ),
    share: ((values[0] ?? 0) + (values[1] ?? 0)) / total,
  };
}

/** The point of a plane at the given coordinates. */
export function pointOf({ centre, directions: [first, second] }: Plane, x: number, y: number): Float32Array {
  return Float32Array.from(centre, (value, i) => value + x * (first[i] ?? 0) + y * (second[i] ?? 0));
}
