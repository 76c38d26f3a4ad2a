import type { Narrow } from '../../program/program.ts';
import { type Shape, size } from '../../program/shape.ts';
import { emit, markSymmetric } from '../../trace/emit.ts';
import { concat, full, iota, where } from '../../trace/functions.ts';
import { type Tensor, tensorOf } from '../../trace/tensor.ts';
import type { TracedOutput } from '../../trace/trace.ts';
import { blockTop, keepsNonzero, leastScale, mostScale, type Part, type Storage } from '../memory/storage.ts';
import type { DeclaredSlot } from './layout.ts';

/** A slot as stages see it, from the buffers that hold it. */
export function fromStored({ slot }: DeclaredSlot, storage: Storage, input: (part: Part, symmetric: boolean) => Tensor): Tensor {
  const { parts, narrow, packed, shape } = storage;
  const [codes, scales] = parts;
  const first = input(codes, narrow === undefined && !packed && slot.symmetric === true);
  const numbers = narrow === undefined ? first : first.working();
  const scaled = scales === undefined ? numbers : numbers.mul(input(scales, false).reshape([scales.shape[0] ?? 1, 1]));
  const whole = cut(scaled, shape);
  if (packed) return unpacked(whole, slot.shape[0] ?? 0);
  return narrow !== undefined && slot.symmetric === true ? tensorOf(markSymmetric(whole)) : whole;
}

/** Where the random bits of a slot come from: slots of one owner share words two by two. */
export interface Rounding {
  readonly seed: number;
  readonly stream: number;
  readonly half: 0 | 1;
}

/** What is written for a slot. `call` is the number of the run. */
export function toStored(
  { key, slot }: DeclaredSlot,
  storage: Storage,
  value: Tensor,
  random: Rounding,
  call: () => Tensor,
): TracedOutput[] {
  const { parts, narrow, packed } = storage;
  const [codes, scales] = parts;
  const own = packed ? packedOf(value, slot.shape[0] ?? 0) : value;
  if (narrow === undefined) return [{ key, value: own, donates: key }];
  const kept = slot.nonNegative === true && narrow !== 'bf16' ? own.max(0) : own;
  const whole = padded(kept, codes.shape);
  const encode = (x: Tensor): Tensor => encodedAs(narrow, x, { ...random, keeps: narrow !== 'bf16' && keepsNonzero(slot) }, call());
  if (scales === undefined) return [{ key, value: encode(whole), donates: key, looked: own }];
  const top = whole.abs().maximum([1], { keep: true }).min(mostScale).max(leastScale);
  const scale = top.mul(1 / blockTop(narrow)).reshape(scales.shape);
  return [
    { key, value: encode(whole.mul(scalar(blockTop(narrow), top))), donates: key, looked: own },
    { key: scales.key, value: scale, donates: scales.key, looked: own },
  ];
}

const scalar = (numerator: number, divisor: Tensor): Tensor => divisor.reciprocal().mul(numerator);

const encodedAs = (narrow: Narrow, x: Tensor, how: Rounding & { readonly keeps: boolean }, call: Tensor): Tensor =>
  tensorOf(emit({ op: 'encode', ...how }, [x, call], x.shape, narrow, 'working'));

/** The first elements of what was padded. */
function cut(x: Tensor, shape: Shape): Tensor {
  const length = size(shape);
  return (size(x.shape) === length ? x : x.reshape([-1]).slice([0], [length])).reshape(shape);
}

function padded(x: Tensor, shape: Shape): Tensor {
  const more = size(shape) - size(x.shape);
  return (more === 0 ? x : concat([x.reshape([-1]), full([more], 0)])).reshape(shape);
}

/** 1 on and below the diagonal that starts at column `shift`. */
const below = (rows: number, columns: number, shift: number): Tensor =>
  iota(rows)
    .reshape([rows, 1])
    .ge(iota(columns).reshape([1, columns]).add(shift));

/**
 * The lower triangle of a symmetric matrix [A ·; B C] as a rectangle: B, then A and C in the two triangles of what is as wide as A. Slices and
 * selects only, so that any backend has it.
 */
function packedOf(x: Tensor, n: number): Tensor {
  const k = Math.ceil(n / 2);
  const [A, B, C] = [x.slice([0, 0], [k, k]), x.slice([k, 0], [n, k]), x.slice([k, k], [n, n])];
  if (n % 2 === 0) {
    const [low, high] = [concat([full([1, k], 0), A]), concat([C, full([1, k], 0)])];
    return concat([B, where(below(k + 1, k, 1), low, high)]);
  }
  const high = concat([full([k, 1], 0), concat([C, full([1, n - k], 0)])], 1);
  return concat([B, where(below(k, k, 0), A, high)]);
}

function unpacked(rectangle: Tensor, n: number): Tensor {
  const k = Math.ceil(n / 2);
  const B = rectangle.slice([0, 0], [n - k, k]);
  const triangles = rectangle.slice([n - k, 0]);
  const low = n % 2 === 0 ? triangles.slice([1, 0]) : triangles;
  const high = n % 2 === 0 ? triangles.slice([0, 0], [k, k]) : triangles.slice([0, 1], [n - k, k]);
  const flip = (part: Tensor): Tensor => part.transpose([1, 0]);
  const A = where(below(k, k, 0), low, flip(low));
  const C = where(below(n - k, n - k, 1), flip(high), high);
  return tensorOf(markSymmetric(concat([concat([A, flip(B)], 1), concat([B, C], 1)])));
}
