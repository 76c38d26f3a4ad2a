import type { Dispatch, Place } from '../../dispatch.ts';
import { bound, kernel, powerOfTwo, reciprocalRoot, reductions, threads, tile, tilesOf } from '../kernel.ts';
import {
  applyModule,
  loadModule,
  orderModule,
  productModule,
  roundRobin,
  scanModule,
  scansOf,
  shapeFrom,
  turnModule,
  writeModule,
} from './block-kernels.ts';
import { jacobi } from './jacobi.ts';

/** At most so many sweeps before and after the basis found is made orthogonal and the matrix is taken into it afresh. */
const sweepsOf = (n: number): readonly [number, number] => [8 + Math.ceil(Math.log2(tilesOf(n))), 4];

/** f32 elements of: partial maxima, counters, matrix, basis, product, rotations, whether a pair turns, order of the eigenvalues. */
export const scratchOfBlocks = (n: number, batch: number): number[] => {
  const padded = tilesOf(n) * tile;
  const matrix = batch * padded * padded;
  return [batch * scansOf(n), batch * 3, matrix, matrix, matrix, batch * padded * tile, batch * tilesOf(n), batch * n];
};

/**
 * Eigenvalues and eigenvectors by block Jacobi: in a round every block of 16 indices meets one other (round robin); a workgroup
 * diagonalises the 32 × 32 matrix of each pair, then the rotations are applied to all the others. Pairs with nothing to annihilate
 * are passed over, by a flag on the device, so that the dispatches depend on the size alone. After the last sweep the basis is made
 * orthogonal (Newton–Schulz), the matrix taken into it afresh, and a few sweeps more remove what rounding had added up to.
 */
export function eighBlocks(n: number, batch: number, input: Place, output: Place, scratch: readonly Place[]): Dispatch[] {
  const [parts, counters, first, second, third, rotations, turning, order] = scratch;
  if (
    parts === undefined ||
    counters === undefined ||
    first === undefined ||
    second === undefined ||
    third === undefined ||
    rotations === undefined ||
    turning === undefined ||
    order === undefined
  )
    return [];
  const tiles = tilesOf(n);
  const [before, after] = sweepsOf(n);
  const load = (basis: boolean, A: Place, V: Place): Dispatch =>
    kernel(
      `eigh ${n}: load`,
      [
        bound('X', 'u32', input),
        bound('parts', 'u32', parts),
        bound('A', 'f32', A),
        bound(basis ? 'V' : 'counters', basis ? 'f32' : 'u32', V),
      ],
      `${shapeFrom('X', true)}${reductions}${powerOfTwo}${loadModule(basis)}`,
      `  let s = shapeOf(batch);\n  load(s, matrix, group.x, t);`,
      tiles * tiles,
      batch,
    );
  const multiply = (transpose: boolean, newton: boolean, left: Place, right: Place, result: Place): Dispatch =>
    kernel(
      `eigh ${n}: product`,
      [bound('L', 'f32', left), ...(left === right ? [] : [bound('R', 'f32', right)]), bound('C', 'f32', result)],
      `${shapeFrom('L', false)}${productModule(transpose, newton, left === right ? 'L' : 'R')}`,
      `  let s = shapeOf(batch);\n  product(s, matrix, group.x / s.tiles, group.x % s.tiles, t);`,
      tiles * tiles,
      batch,
    );
  const sweep = (A: Place, V: Place): Dispatch[] => {
    const turn = kernel(
      `eigh ${n}: rotations`,
      [bound('M', 'f32', A), bound('J', 'f32', rotations), bound('turning', 'u32', turning), bound('counters', 'u32', counters)],
      `${shapeFrom('M', false)}${reductions}${reciprocalRoot}${jacobi}${roundRobin}${turnModule}`,
      `  let s = shapeOf(batch);\n  turn(s, matrix, group.x, t);`,
      tiles,
      batch,
    );
    const apply = kernel(
      `eigh ${n}: apply`,
      [
        bound('M', 'f32', A),
        bound('V', 'f32', V),
        bound('J', 'f32', rotations),
        bound('turning', 'u32', turning),
        bound('counters', 'u32', counters),
      ],
      `${shapeFrom('M', false)}${roundRobin}${applyModule}`,
      `  let s = shapeOf(batch);\n  apply(s, matrix, group.x / s.tiles, group.x % s.tiles, t);`,
      2 * tiles * tiles,
      batch,
    );
    return Array.from({ length: 2 * tiles - 1 }, () => [turn, apply]).flat();
  };
  const repeated = (times: number, one: Dispatch[]): Dispatch[] => Array.from({ length: times }, () => one).flat();
  return [
    kernel(
      `eigh ${n}: scan`,
      [bound('X', 'u32', input), bound('parts', 'u32', parts)],
      `${shapeFrom('X', true)}${reductions}${scanModule}`,
      `  let s = shapeOf(batch);\n  scan(s, matrix, group.x, t);`,
      scansOf(n),
      batch,
    ),
    load(true, first, second),
    load(false, first, counters),
    ...repeated(before, sweep(first, second)),
    // The basis V in `second` becomes V(3I − VᵀV)/2 in `first`; then A lies in `second`, AV in `third`, VᵀAV in `second`.
    multiply(true, false, second, second, third),
    multiply(false, true, second, third, first),
    load(false, second, counters),
    multiply(false, false, second, first, third),
    multiply(true, false, first, third, second),
    ...repeated(after, sweep(second, first)),
    multiply(true, false, first, first, third),
    kernel(
      `eigh ${n}: order`,
      [bound('M', 'f32', second), bound('parts', 'u32', parts), bound('order', 'u32', order), bound('Y', 'f32', output)],
      `${shapeFrom('order', true)}${reductions}${powerOfTwo}${orderModule}`,
      `  let s = shapeOf(batch);\n  rank(s, matrix, group.x, t);`,
      Math.ceil(n / threads),
      batch,
    ),
    // The last Newton–Schulz step writes into the matrix's place.
    multiply(false, true, first, third, second),
    kernel(
      `eigh ${n}: write`,
      [bound('V', 'f32', second), bound('parts', 'u32', parts), bound('order', 'u32', order), bound('Y', 'f32', output)],
      `${shapeFrom('order', true)}${reductions}${writeModule}`,
      `  let s = shapeOf(batch);\n  write(s, matrix, group.x, t);`,
      tiles * tiles,
      batch,
    ),
  ];
}
