import { describe, expect, it } from 'vitest';
import { nodeData } from '../race/node-data.ts';
import { diagonality, inBasis, turned } from './basis.ts';
import { Lens } from './lens.ts';
import { type Matrix, matrix, singularValues } from './matrix.ts';
import { leadingPlane, pointOf } from './slice.ts';

const rotation = (degrees: number): Matrix => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return matrix([c, -s, s, c], 2, 2);
};

describe('what the lenses measure', () => {
  it('singular values of a matrix made of them, wide or tall', () => {
    const tall = [3, 0, 0, 0.5, 0, 0];
    for (const X of [matrix(tall, 3, 2), matrix([3, 0, 0, 0, 0.5, 0], 2, 3)])
      for (const [i, value] of [3, 0.5].entries()) expect(singularValues(X)[i]).toBeCloseTo(value, 12);
  });

  it('a basis turned by 10° has turned by 10°, and not at all when its columns trade places and signs', () => {
    expect(turned(rotation(20), rotation(30))).toBeCloseTo(10, 10);
    expect(turned(matrix([1, 0, 0, 1], 2, 2), matrix([0, -1, 1, 0], 2, 2))).toBe(0);
  });

  it('a covariance is diagonal in the basis of its eigenvectors, and only there', () => {
    const Q = rotation(30);
    const A = matrix(
      [
        0.75 * 4 + 0.25,
        (4 - 1) * Math.sin(Math.PI / 6) * Math.cos(Math.PI / 6),
        (4 - 1) * Math.sin(Math.PI / 6) * Math.cos(Math.PI / 6),
        0.25 * 4 + 0.75,
      ],
      2,
      2,
    );
    expect(diagonality(inBasis(A, Q))).toBeCloseTo(1, 12);
    expect(diagonality(A)).toBeLessThan(0.85);
    expect(diagonality(matrix([1, 1, 1, 1], 2, 2))).toBe(0.5);
  });

  it('the plane of points that lie in one gives every point back', () => {
    const paths = [
      [
        [0, 0, 1],
        [2, 0, 1],
        [3, 1, 1],
      ],
      [
        [0, 1, 1],
        [1, 4, 1],
      ],
    ].map((path) => path.map((point) => Float32Array.from(point)));
    const plane = leadingPlane(paths);
    expect(plane.share).toBeCloseTo(1, 12);
    for (const [i, path] of paths.entries())
      for (const [j, point] of path.entries()) {
        const [x, y] = plane.paths[i]?.[j] ?? [Number.NaN, Number.NaN];
        pointOf(plane, x, y).forEach((value, at) => void expect(value).toBeCloseTo(point[at] ?? Number.NaN, 5));
      }
  });
});

describe('a run under lenses', () => {
  it('shows the basis of SOAP turning at refreshes only, and its covariance diagonal there', async () => {
    const lens = await Lens.begin({ seed: 0, optimizers: ['soap', 'adamw'], layer: 'layer1.weight', steps: 24 }, nodeData());
    const glimpses = Array.from({ length: 24 }, () => lens.step());
    expect(lens.done).toBe(true);
    expect(glimpses.filter(({ axes }) => axes[0]?.turned !== null).map(({ step }) => step)).toEqual([11, 21]);
    const after = glimpses[20]?.axes ?? [];
    expect(after).toHaveLength(2);
    for (const axis of after) expect(axis.diagonality).toBeGreaterThan(axis.diagonalityWithout + 0.3);
    // The first call of SOAP sets its basis up and moves nothing.
    expect(glimpses[0]?.singular.update[0]).toBe(0);
    expect(glimpses[1]?.singular.update).toHaveLength(64);
    expect(lens.maps().map(({ rows, columns }) => [rows, columns])).toEqual([
      [96, 96],
      [96, 96],
      [64, 64],
      [64, 64],
      [96, 64],
    ]);
    const plane = lens.plane();
    const rows = [...lens.slice(plane, 3)];
    expect(rows).toHaveLength(3);
    for (const row of rows) for (const loss of row) expect(loss).toBeGreaterThan(0);
    expect(plane.share).toBeGreaterThan(0.5);
    lens.dispose();
  });
});
