import type { Dispatch, Factorization, Place } from '../dispatch.ts';
import { bound, kernel, tile, tilesOf } from './kernel.ts';
import { orthonormalizeModule } from './orthonormalize-wgsl.ts';

export interface OrthonormalizeSize {
  readonly rows: number;
  readonly columns: number;
  readonly batch: number;
  readonly deficient: 'zero' | 'complete';
  /** τ: a remainder of at most τ times the largest column norm counts as none. */
  readonly tolerance: number;
}

/** Up to this many elements one panel is a single workgroup's work from beginning to end. */
const smallSize = 16384;

/** Columns of X [batch, rows, columns] are taken as they are until so many columns. */
export const orthonormalizeLimit = 2048;

/**
 * Columns of X [batch, rows, columns] made orthonormal, left to right, with the completion rule of `Tensor.orthonormalize`: block
 * Gram–Schmidt over panels of 32 columns. A panel loses its part along the columns before it twice; one workgroup goes through its
 * columns and decides which are accepted; what is accepted is cleaned once more. Columns that are deferred stay in their slots, as
 * zeros, where they change nothing, until they are refilled: so the dispatches depend on the shape alone.
 */
export function orthonormalize(size: OrthonormalizeSize): Factorization {
  const { rows, columns, batch, deficient } = size;
  const panels = tilesOf(columns);
  const single = panels === 1 && rows * columns <= smallSize;
  // Partial maxima, the state of each matrix, coefficients, and what is left of the unit vectors.
  const scanned = single ? 1 : Math.min(64, Math.ceil((rows * columns) / 4096));
  return {
    scratch: [batch * scanned, batch * (4 + 2 * columns), batch * columns * tile, deficient === 'complete' ? batch * rows : 1],
    dispatches: ({ inputs: [input], output, scratch: [parts, state, coefficients, room] }) => {
      if (input === undefined || parts === undefined || state === undefined || coefficients === undefined || room === undefined) return [];
      const places: Readonly<Record<Places, Place>> = { X: input, parts, state, Q: output, C: coefficients, room };
      const module = orthonormalizeModule(size, scanned);
      const one = (label: string, names: readonly Places[], body: string, groups: number): Dispatch =>
        kernel(
          `${label} ${rows} × ${columns}`,
          names.map((name) => bound(name, types[name], places[name])),
          module(names),
          body,
          groups,
          batch,
        );
      if (single) return [one('orthonormalize', deficient === 'complete' ? all : all.slice(0, 4), whole(rows, deficient), 1)];
      const rowTiles = `for (var r = group.x; r < ${tilesOf(rows)}u; r += groups.x)`;
      const clean = (before: number): Dispatch[] => [
        one('coefficients', ['Q', 'C', 'state'], `  coefficients(matrix, group.x, groups.x, t);`, before),
        one('subtract', ['Q', 'C', 'state'], `  ${rowTiles} { subtract(matrix, r, t); }`, tilesOf(rows)),
      ];
      const panel = (p: number): Dispatch[] => {
        const accept = one('accept', ['Q', 'state'], `  accept(matrix, t);`, 1);
        if (p === 0) return [accept];
        return [...clean(p), ...clean(p), accept, ...clean(p), one('polish', ['Q', 'state'], `  polish(matrix, t);`, 1)];
      };
      const refill = (): Dispatch[] => [
        one('refill', ['Q', 'C', 'state', 'room'], `  refill(matrix, t);`, 1),
        ...(panels === 1
          ? []
          : [
              one('coefficients of refilled', ['Q', 'C', 'state'], `  coefficientsOfRefilled(matrix, group.x, t);`, panels),
              one('subtract from refilled', ['Q', 'C', 'state'], `  ${rowTiles} { subtractFromRefilled(matrix, r, t); }`, tilesOf(rows)),
            ]),
        one('polish refilled', ['Q', 'state'], `  polishRefilled(matrix, t);`, 1),
      ];
      const range = Array.from({ length: panels }, (_, p) => p);
      return [
        one('scan', ['X', 'parts'], `  scan(matrix, group.x, t);`, scanned),
        one('load', ['X', 'parts', 'state', 'Q'], `  load(matrix, group.x, t);`, panels),
        ...range.flatMap(panel),
        ...(deficient === 'complete'
          ? [one('room', ['Q', 'state', 'room'], `  measureRoom(matrix, group.x, t);`, Math.ceil(rows / 256)), ...range.flatMap(refill)]
          : []),
        one('finish', ['Q', 'state'], `  finish(matrix, group.x, groups.x, t);`, scanned),
      ];
    },
  };
}

type Places = 'X' | 'parts' | 'state' | 'Q' | 'C' | 'room';

const types: Readonly<Record<Places, 'f32' | 'u32'>> = { X: 'u32', parts: 'u32', state: 'u32', Q: 'f32', C: 'f32', room: 'f32' };

const all: readonly Places[] = ['X', 'parts', 'state', 'Q', 'C', 'room'];

/** Everything for one panel, in turn. */
const whole = (rows: number, deficient: 'zero' | 'complete'): string => `  scan(matrix, 0u, t);
  load(matrix, 0u, t);
  accept(matrix, t);
${
  deficient === 'complete'
    ? `  for (var part = 0u; part < ${Math.ceil(rows / 256)}u; part++) { measureRoom(matrix, part, t); }
  refill(matrix, t);
  polishRefilled(matrix, t);
`
    : ''
}  finish(matrix, 0u, 1u, t);`;
