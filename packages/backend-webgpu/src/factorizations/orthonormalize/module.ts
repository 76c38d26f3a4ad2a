import { powerOfTwo, reciprocalRoot, reductions, tile } from '../kernel.ts';
import { gram } from './gram.ts';
import { finish, load, measureThreshold, scan } from './load.ts';
import type { OrthonormalizeSize } from './orthonormalize.ts';
import { outside } from './outside.ts';
import { panel } from './panel.ts';
import { measureRoom, refill } from './refill.ts';

/** How the work on one matrix is divided. */
export interface Division {
  /** Parts that are scanned for their largest magnitude. */
  readonly scanned: number;
  /** Chunks of rows, for sums over them. */
  readonly chunks: number;
}

/** Words of a matrix's state before those for each column. */
export const stateWords = 7;

/** What the dispatches bind. */
export type PlaceName = 'X' | 'parts' | 'state' | 'Q' | 'C' | 'room' | 'norms' | 'grams' | 'T';

/** The functions of which the dispatches are made, those whose places are bound. */
export const orthonormalizeModule = (size: OrthonormalizeSize, division: Division): ((names: readonly PlaceName[]) => string) => {
  const functions: readonly { readonly needs: readonly PlaceName[]; readonly wgsl: string }[] = [
    { needs: [], wgsl: shared(size, division) },
    { needs: ['X', 'parts'], wgsl: scan },
    { needs: ['state'], wgsl: state },
    { needs: ['X', 'parts', 'state', 'Q', 'norms'], wgsl: load },
    { needs: ['state', 'norms'], wgsl: measureThreshold(size.tolerance) },
    { needs: ['Q', 'state'], wgsl: panel },
    { needs: ['Q', 'state'], wgsl: finish },
    ...gram(size),
    { needs: ['Q', 'C', 'state'], wgsl: outside },
    { needs: ['Q', 'state', 'room'], wgsl: measureRoom },
    { needs: ['Q', 'C', 'state', 'room'], wgsl: refill },
  ];
  return (names) => functions.flatMap(({ needs, wgsl }) => (needs.every((name) => names.includes(name)) ? [wgsl] : [])).join('');
};

const shared = ({ rows, columns }: OrthonormalizeSize, { scanned, chunks }: Division): string => `
const rows = ${rows}u;
const columns = ${columns}u;
const panels = ${Math.ceil(columns / tile)}u;
const scanned = ${scanned}u;
const chunks = ${chunks}u;
const chunk = ${Math.ceil(rows / chunks)}u;
// A matrix's state: bits of its largest magnitude, the panel at work, how many columns are accepted, how many of this panel are
// refilled, the square below which a remainder counts as none, the largest squared norm of a column, whether the panel was made
// orthonormal as a whole; then whether each column is deferred.
const PANEL = 1u;
const ACCEPTED = 2u;
const REFILLED = 3u;
const THRESHOLD = 4u;
const LONGEST = 5u;
const CLEAR = 6u;
const DEFERRED = ${stateWords}u;
const stateSize = ${stateWords + columns}u;
${reductions}${reciprocalRoot}${powerOfTwo}
var<workgroup> dots: array<f32, ${tile}>;
var<workgroup> left: array<f32, ${tile * tile}>;
var<workgroup> right: array<f32, ${tile * tile}>;
var<workgroup> announced: u32;

/** What invocations have written can be read by the others. */
fn settle() {
  storageBarrier();
  workgroupBarrier();
}

fn widthOf(j0: u32) -> u32 { return min(${tile}u, columns - j0); }
`;

const state = `
fn stateAt(matrix: u32, slot: u32, t: u32) -> u32 {
  if (t == 0u) { announced = state[matrix * stateSize + slot]; }
  return workgroupUniformLoad(&announced);
}
`;
