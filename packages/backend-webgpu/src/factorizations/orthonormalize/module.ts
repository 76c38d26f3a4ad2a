import { powerOfTwo, reciprocalRoot, reductions, tile } from '../kernel.ts';
import { gram } from './gram.ts';
import { finish, load, measureThreshold, scan } from './load.ts';
import { outside } from './outside.ts';
import { panel } from './panel.ts';
import type { PlaceName } from './place-name.ts';
import { measureRoom, refill } from './refill.ts';

/** Words of a matrix's state before those for each column. */
export const stateWords = 8;

/** The functions of which the dispatches are made, those whose places are bound. */
export function orthonormalizeModule(tolerance: number, names: readonly PlaceName[]): string {
  const functions: readonly { readonly needs: readonly PlaceName[]; readonly wgsl: string }[] = [
    { needs: [], wgsl: shared },
    { needs: ['X', 'parts'], wgsl: scan },
    { needs: ['state'], wgsl: shape(names) },
    { needs: ['X', 'parts', 'state', 'Q', 'norms'], wgsl: load },
    { needs: ['state', 'norms'], wgsl: measureThreshold(tolerance) },
    { needs: ['Q', 'state'], wgsl: panel },
    { needs: ['Q', 'state'], wgsl: finish },
    ...gram,
    { needs: ['Q', 'C', 'state'], wgsl: outside },
    { needs: ['Q', 'state', 'room'], wgsl: measureRoom },
    { needs: ['Q', 'C', 'state', 'room'], wgsl: refill },
  ];
  return functions.flatMap(({ needs, wgsl }) => (needs.every((name) => names.includes(name)) ? [wgsl] : [])).join('');
}

/** The sizes as the places that are bound tell them; what none of them tells is 1. */
function shape(names: readonly PlaceName[]): string {
  const rows = names.includes('Q') ? 'arrayLength(&Q) / (batch * columns)' : '1u';
  const chunks = names.includes('norms')
    ? 'arrayLength(&norms) / (batch * columns)'
    : names.includes('grams')
      ? `arrayLength(&grams) / (batch * ${tile * tile}u)`
      : '1u';
  return `
struct Shape {
  batch: u32,
  rows: u32,
  columns: u32,
  /** Chunks of rows, for sums over them. */
  chunks: u32,
}

fn shapeOf(batch: u32) -> Shape {
  let columns = arrayLength(&state) / batch - DEFERRED;
  return Shape(batch, ${rows}, columns, ${chunks});
}

fn widthOf(s: Shape, j0: u32) -> u32 { return min(${tile}u, s.columns - j0); }

fn stateAt(s: Shape, matrix: u32, slot: u32, t: u32) -> u32 {
  if (t == 0u) { announced = state[matrix * (DEFERRED + s.columns) + slot]; }
  return workgroupUniformLoad(&announced);
}
`;
}

const shared = `
// A matrix's state: bits of its largest magnitude, the panel at work, how many columns are accepted, how many of this panel are
// refilled, the square below which a remainder counts as none, that from which on it needs no decision, whether the panel was made
// orthonormal as a whole, the number of rows; then whether each column is deferred.
const PANEL = 1u;
const ACCEPTED = 2u;
const REFILLED = 3u;
const THRESHOLD = 4u;
const CLEARANCE = 5u;
const CLEAR = 6u;
const ROWS = 7u;
const DEFERRED = ${stateWords}u;
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

`;
