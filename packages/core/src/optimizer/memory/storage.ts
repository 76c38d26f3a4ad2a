import type { Floats } from '../../backend.ts';
import { decoded, encoded, isNarrow } from '../../program/narrow.ts';
import type { DType, Narrow } from '../../program/program.ts';
import { type Shape, size } from '../../program/shape.ts';
import type { Slot, StateDtype } from '../../transform/slot.ts';

/** One buffer of a slot. */
export interface Part {
  readonly key: string;
  readonly shape: Shape;
  readonly dtype: Exclude<DType, 'int'>;
}

/**
 * How a slot is held between steps. Stages see it whole, in working precision.
 *
 * A narrow one is codes; in blocks (f16, int8, uint8) a second buffer has the scale of each. A symmetric matrix that is held narrow, or that
 * `stateDtype` is about, is packed: see `packedShape`.
 */
export interface Storage {
  /** The slot itself first. */
  readonly parts: readonly [Part, ...Part[]];
  readonly narrow: Narrow | undefined;
  /** What is held: the slot's shape, or that of a packed matrix. */
  readonly shape: Shape;
  readonly packed: boolean;
}

/** Most elements that share a scale. */
const blockLength = 256;

/** Blocks hold at least so much in their scale: what is smaller is far below what any device tells from 0. */
export const leastScale: number = 2 ** -80;
/** And at most so much, so that the reciprocal is a number of full precision. */
export const mostScale: number = 2 ** 126;

/** What the largest element of a block becomes as a code. */
export const blockTop = (narrow: Narrow): number => (narrow === 'f16' ? 2 ** 15 : 1);

/** A square matrix n×n with n(n+1)/2 numbers, as a rectangle: rectangular full packed. */
export const packedShape = (n: number): Shape => (n % 2 === 0 ? [n + 1, n / 2] : [n, (n + 1) / 2]);

export const scaleKey = (key: string): string => {
  const colon = key.indexOf(':');
  return `${key.slice(0, colon)}~scale${key.slice(colon)}`;
};

export const isSquare = (shape: Shape): boolean => shape.length === 2 && shape[0] === shape[1];

/** How a slot under `key` is held. `asked`: what was said about its kind when the optimizer was made. */
export function storageOf(key: string, slot: Slot, asked: StateDtype | undefined): Storage {
  const { dtype = 'working', symmetric = false } = slot;
  const chosen = dtype === 'working' ? asked : dtype === 'wide' ? undefined : dtype;
  const packed = chosen !== undefined && symmetric && isSquare(slot.shape) && (slot.shape[0] ?? 0) > 1;
  const shape = packed ? packedShape(slot.shape[0] ?? 0) : slot.shape;
  if (chosen === undefined)
    return { parts: [{ key, shape, dtype: dtype === 'wide' ? 'wide' : 'working' }], narrow: undefined, shape, packed };
  const narrow = chosen === 'int8' && slot.nonNegative === true ? 'uint8' : chosen;
  const length = size(shape);
  if (narrow === 'bf16') {
    // Whole words, for devices that write nothing smaller.
    const own = length % 2 === 0 ? shape : [length + 1];
    return { parts: [{ key, shape: own, dtype: narrow }], narrow, shape, packed };
  }
  const width = blockWidth(length);
  const blocks = Math.max(1, Math.ceil(length / width));
  return {
    parts: [
      { key, shape: [blocks, width], dtype: narrow },
      { key: scaleKey(key), shape: [blocks], dtype: 'working' },
    ],
    narrow,
    shape,
    packed,
  };
}

/** The largest multiple of 4 that divides a length, so that nothing has to be copied behind a tail; else blocks are full and the last has one. */
function blockWidth(length: number): number {
  if (length <= blockLength) return 4 * Math.max(1, Math.ceil(length / 4));
  for (let width = blockLength; width >= blockLength / 2; width -= 4) if (length % width === 0) return width;
  return blockLength;
}

/** What buffers hold for these elements of a slot, rounded to the nearest; by part. */
export function held(storage: Storage, slot: Slot, elements: ArrayLike<number>): Floats[] {
  const { narrow, parts, packed } = storage;
  const data = packed ? pack(elements, slot.shape[0] ?? 0) : elements;
  if (narrow === undefined) return [Float64Array.from(data)];
  const length = size(parts[0].shape);
  const keeps = keepsNonzero(slot);
  const kept = slot.nonNegative === true ? (x: number): number => Math.max(0, x) : (x: number): number => x;
  const at = (i: number): number => kept(data[i] ?? 0);
  if (narrow === 'bf16') return [Float32Array.from({ length }, (_, i) => encoded(narrow, at(i), undefined, keeps))];
  const [blocks = 1, width = 1] = parts[0].shape;
  const [codes, scales] = [new Float32Array(length), new Float32Array(blocks)];
  for (let block = 0; block < blocks; block++) {
    let most = 0;
    for (let i = block * width; i < (block + 1) * width; i++) most = Math.max(most, Math.abs(at(i)));
    const top = Math.min(Math.max(most, leastScale), mostScale);
    for (let i = block * width; i < (block + 1) * width; i++)
      codes[i] = encoded(narrow, at(i) * Math.fround(blockTop(narrow) / top), undefined, keeps);
    scales[block] = top / blockTop(narrow);
  }
  return [codes, scales];
}

/** The elements of a slot of which these are the buffers, by part. */
export function elementsOf({ narrow, parts, packed, shape }: Storage, slot: Slot, buffers: readonly Floats[]): Floats {
  const [first = new Float32Array(0), scales] = buffers;
  const length = size(shape);
  const width = parts[0].shape.at(-1) ?? 1;
  const data =
    narrow === undefined
      ? first
      : Float32Array.from(
          { length },
          (_, i) => decoded(narrow, first[i] ?? 0) * (scales === undefined ? 1 : (scales[Math.floor(i / width)] ?? 0)),
        );
  return packed ? unpack(data, slot.shape[0] ?? 0) : data;
}

/** Of second moments nothing but 0 becomes 0: the first moment that is divided by their root is not 0 there. */
export const keepsNonzero = ({ kind, nonNegative }: Slot): boolean => kind === 'diagonal' || nonNegative === true;

/** Where element (i, j), i ≥ j, of a symmetric matrix lies in its rectangle: see `packed` of the traced form. */
function packedAt(n: number, i: number, j: number): number {
  const [, width = 1] = packedShape(n);
  const upper = Math.ceil(n / 2);
  if (n % 2 === 0) {
    if (i >= upper && j < upper) return (i - upper) * width + j;
    return i < upper ? (upper + i + 1) * width + j : j * width + (i - upper);
  }
  const below = n - upper;
  if (i >= upper && j < upper) return (i - upper) * width + j;
  return i < upper ? (below + i) * width + j : (below + j - upper) * width + (i - upper) + 1;
}

function pack(matrix: ArrayLike<number>, n: number): Float64Array {
  const result = new Float64Array((n * (n + 1)) / 2);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) result[packedAt(n, i, j)] = matrix[i * n + j] ?? 0;
  return result;
}

function unpack(rectangle: Floats, n: number): Floats {
  const result = rectangle instanceof Float64Array ? new Float64Array(n * n) : new Float32Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) result[i * n + j] = result[j * n + i] = rectangle[packedAt(n, i, j)] ?? 0;
  return result;
}

/** Whether any of these slots needs codes of a backend. */
export const narrowOf = (storages: Iterable<Storage>): ReadonlySet<Narrow> =>
  new Set([...storages].flatMap(({ parts }) => parts.flatMap(({ dtype }) => (isNarrow(dtype) ? [dtype] : []))));
