import { describe, expect, it } from 'vitest';
import { diagonalAxes, merged } from './shapes.ts';

describe('merging', () => {
  it.each([
    ['squarest', [], [1]],
    ['off', [], [1]],
    ['squarest', [7], [7]],
    ['last', [3, 4], [3, 4]],
    ['squarest', [64, 3, 3, 3], [64, 27]],
    ['last', [64, 3, 3, 3], [576, 3]],
    ['off', [64, 3, 3, 3], [64, 3, 3, 3]],
    ['squarest', [3, 3, 64, 128], [576, 128]],
    // As square either way: all but the last axis together.
    ['squarest', [4, 5, 4], [20, 4]],
  ] as const)('%s: %j is seen as %j', (mergeDims, shape, expected) => {
    expect(merged(shape, mergeDims)).toEqual(expected);
  });
});

describe('diagonal factors', () => {
  const none = { maxSizeTriangular: 8192, minNdimTriangular: 2, memorySaveMode: null } as const;
  it.each([
    [[5, 8], none, [false, false]],
    [[1, 8], none, [true, false]],
    [[8], none, [true]],
    [[8], { ...none, minNdimTriangular: 1 }, [false]],
    [[5, 8], { ...none, minNdimTriangular: 3 }, [true, true]],
    [[5, 8], { ...none, maxSizeTriangular: 7 }, [false, true]],
    [[5, 8], { ...none, maxSizeTriangular: 8 }, [false, false]],
    [[5, 8], { ...none, maxSizeTriangular: 0 }, [true, true]],
    [[8, 5], { ...none, memorySaveMode: 'smartOneDiag' }, [true, false]],
    [[8, 8], { ...none, memorySaveMode: 'smartOneDiag' }, [false, false]],
    [[8], { ...none, minNdimTriangular: 0, memorySaveMode: 'smartOneDiag' }, [false]],
    [[8, 8], { ...none, memorySaveMode: 'oneDiag' }, [false, true]],
    [[8, 5, 8], { ...none, memorySaveMode: 'oneDiag' }, [false, false, true]],
    [[8], { ...none, minNdimTriangular: 0, memorySaveMode: 'oneDiag' }, [true]],
    [[8, 5], { ...none, memorySaveMode: 'allDiag' }, [true, true]],
  ] as const)('%j with %j: %j', (shape, options, expected) => {
    expect(diagonalAxes(shape, options)).toEqual(expected);
  });
});
