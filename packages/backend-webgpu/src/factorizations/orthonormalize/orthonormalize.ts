import type { Dispatch, Factorization, Place } from '../../dispatch.ts';
import { bound, kernel, tile, tilesOf } from '../kernel.ts';
import { orthonormalizeModule, stateWords } from './module.ts';
import type { PlaceName } from './place-name.ts';

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

/** More columns take more dispatches than they are worth: 14 for each 32, and 4 to complete them. */
export const orthonormalizeLimit = 2048;

/**
 * Columns of X [batch, rows, columns] made orthonormal, left to right, with the completion rule of `Tensor.orthonormalize`: block
 * Gram–Schmidt over panels of 32 columns. A panel loses its part along the columns before it twice; it is made orthonormal as a
 * whole, from its Gram matrix, where that needs no decision, otherwise one workgroup goes through its columns and decides which are
 * accepted; what is accepted is cleaned and made orthonormal once more. Columns that are deferred stay in their slots, as zeros, where
 * they change nothing, until they are refilled: so the dispatches depend on the shape alone.
 */
export function orthonormalize(size: OrthonormalizeSize): Factorization {
  const { rows, columns, batch, deficient, tolerance } = size;
  const panels = tilesOf(columns);
  const single = panels === 1 && rows * columns <= smallSize;
  const scanned = single ? 1 : Math.min(64, Math.ceil((rows * columns) / 4096));
  const chunks = single ? 1 : Math.min(64, Math.ceil(rows / 256));
  const lengths: Readonly<Record<Scratch, number>> = {
    parts: scanned,
    state: stateWords + columns,
    C: columns * tile,
    room: deficient === 'complete' ? rows : 1,
    norms: chunks * columns,
    grams: single ? 1 : chunks * tile * tile,
    T: single ? 1 : tile * tile,
  };
  return {
    scratch: scratchNames.map((name) => batch * lengths[name]),
    dispatches: ({ inputs: [input], output, scratch }) => {
      if (input === undefined) return [];
      const at = (name: PlaceName): Place =>
        name === 'X' ? input : name === 'Q' ? output : (scratch[scratchNames.indexOf(name)] ?? output);
      const one = (label: string, names: readonly PlaceName[], body: string, groups: number): Dispatch =>
        kernel(
          `${label} ${rows} × ${columns}`,
          names.map((name) => bound(name, types[name], at(name))),
          orthonormalizeModule(tolerance, names),
          names.includes('state') ? `  let s = shapeOf(batch);\n${body}` : body,
          groups,
          batch,
        );
      if (single) return [one('orthonormalize', deficient === 'complete' ? completing : plain, whole(deficient), 1)];
      const rowTiles = `for (var r = group.x; r * ${tile}u < s.rows; r += groups.x)`;
      const clean = (before: number): Dispatch[] =>
        before === 0
          ? []
          : [
              one('coefficients', ['Q', 'C', 'state'], `  coefficients(s, matrix, group.x, groups.x, t);`, before),
              one('subtract', ['Q', 'C', 'state'], `  ${rowTiles} { subtract(s, matrix, r, t); }`, tilesOf(rows)),
            ];
      const together = (polishing: boolean): Dispatch[] => [
        one('gram', ['Q', 'state', 'grams'], `  gramOfChunk(s, matrix, group.x, t);`, chunks),
        one('factor', ['state', 'grams', 'T'], `  factorGram(s, matrix, ${polishing}, t);`, 1),
        one('apply', ['Q', 'state', 'T'], `  ${rowTiles} { applyFactor(s, matrix, r, t); }`, tilesOf(rows)),
      ];
      const panel = (p: number): Dispatch[] => [
        ...clean(p),
        ...clean(p),
        ...together(false),
        one('accept', ['Q', 'state'], `  accept(s, matrix, t);`, 1),
        ...clean(p),
        ...together(true),
        one('polish', ['Q', 'state'], `  polish(s, matrix, t);`, 1),
      ];
      const refill = (): Dispatch[] => [
        one('refill', ['Q', 'C', 'state', 'room'], `  refill(s, matrix, t);`, 1),
        ...(panels === 1
          ? []
          : [
              one('coefficients of refilled', ['Q', 'C', 'state'], `  coefficientsOfRefilled(s, matrix, group.x, t);`, panels),
              one('subtract from refilled', ['Q', 'C', 'state'], `  ${rowTiles} { subtractFromRefilled(s, matrix, r, t); }`, tilesOf(rows)),
            ]),
        one('polish refilled', ['Q', 'state'], `  polishRefilled(s, matrix, t);`, 1),
      ];
      const range = Array.from({ length: panels }, (_, p) => p);
      return [
        one('scan', ['X', 'parts'], `  scan(batch, matrix, group.x, groups.x, t);`, scanned),
        one('load', ['X', 'parts', 'state', 'Q', 'norms'], `  load(s, matrix, group.x, t);`, panels * chunks),
        one('threshold', ['state', 'norms'], `  measureThreshold(s, matrix, t);`, 1),
        ...range.flatMap(panel),
        ...(deficient === 'complete'
          ? [one('room', ['Q', 'state', 'room'], `  measureRoom(s, matrix, group.x, t);`, Math.ceil(rows / 256)), ...range.flatMap(refill)]
          : []),
        one('finish', ['Q', 'state'], `  finish(s, matrix, group.x, groups.x, t);`, scanned),
      ];
    },
  };
}

type Scratch = Exclude<PlaceName, 'X' | 'Q'>;
const scratchNames: readonly Scratch[] = ['parts', 'state', 'C', 'room', 'norms', 'grams', 'T'];

const types: Readonly<Record<PlaceName, 'f32' | 'u32'>> = {
  X: 'u32',
  parts: 'u32',
  state: 'u32',
  Q: 'f32',
  C: 'f32',
  room: 'f32',
  norms: 'f32',
  grams: 'f32',
  T: 'f32',
};

const plain: readonly PlaceName[] = ['X', 'parts', 'state', 'Q', 'norms'];
const completing: readonly PlaceName[] = [...plain, 'C', 'room'];

/** Everything for one panel, in turn. */
const whole = (deficient: 'zero' | 'complete'): string => `  scan(batch, matrix, 0u, 1u, t);
  load(s, matrix, 0u, t);
  measureThreshold(s, matrix, t);
  accept(s, matrix, t);
${
  deficient === 'complete'
    ? `  for (var part = 0u; part * 256u < s.rows; part++) { measureRoom(s, matrix, part, t); }
  refill(s, matrix, t);
  polishRefilled(s, matrix, t);
`
    : ''
}  finish(s, matrix, 0u, 1u, t);`;
