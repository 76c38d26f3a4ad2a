/** An instruction as a number: its code, above it the prefix of its group (0xfc, or 0xfd for vectors) where it has one. */
export type Instruction = number;

/** One for each precision. */
type PerType<T> = Readonly<Record<'f32' | 'f64', T>>;

export const valueTypes = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

export const i32 = {
  eq: 0x46,
  ne: 0x47,
  ltS: 0x48,
  ltU: 0x49,
  gtS: 0x4a,
  geS: 0x4e,
  geU: 0x4f,
  add: 0x6a,
  sub: 0x6b,
  mul: 0x6c,
  and: 0x71,
  or: 0x72,
  shl: 0x74,
  fromF64: 0xfc02,
} as const;

export const i64 = { eq: 0x51, add: 0x7c, shrU: 0x88, wrap: 0xa7 } as const;

/** On shared memory. */
export const atomics = {
  notify: 0xfe00,
  waitI32: 0xfe01,
  loadI32: 0xfe10,
  loadI64: 0xfe11,
  addI32: 0xfe1e,
  exchangeI64: 0xfe49,
} as const;

export const drop = 0x1a;
export const select = 0x1b;

/** What exists for single numbers and for vectors, in both precisions. */
export type Arithmetic = Readonly<
  Record<
    'abs' | 'neg' | 'floor' | 'trunc' | 'sqrt' | 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'eq' | 'ne' | 'lt' | 'gt' | 'le',
    Instruction
  >
>;

/** Codes lie in the same order everywhere; only rounding and what follows the sign of a vector differ. */
const arithmetic = (abs: Instruction, eq: Instruction, floor: Instruction, trunc: Instruction, sqrt: Instruction): Arithmetic => ({
  abs,
  neg: abs + 1,
  floor,
  trunc,
  sqrt,
  add: sqrt + 1,
  sub: sqrt + 2,
  mul: sqrt + 3,
  div: sqrt + 4,
  min: sqrt + (sqrt > 0xff ? 7 : 5),
  max: sqrt + (sqrt > 0xff ? 8 : 6),
  eq,
  ne: eq + 1,
  lt: eq + 2,
  gt: eq + 3,
  le: eq + 4,
});

export const scalars: PerType<Arithmetic> = {
  f32: arithmetic(0x8b, 0x5b, 0x8e, 0x8f, 0x91),
  f64: arithmetic(0x99, 0x61, 0x9c, 0x9d, 0x9f),
};
export const vectors: PerType<Arithmetic> = {
  f32: arithmetic(0xfde0, 0xfd41, 0xfd68, 0xfd69, 0xfde3),
  f64: arithmetic(0xfdec, 0xfd47, 0xfd75, 0xfd7a, 0xfdef),
};

export const copySigns: PerType<Instruction> = { f32: 0x98, f64: 0xa6 };

/** Between single numbers. */
export const convert = { f32FromF64: 0xb6, f64FromF32: 0xbb, f32FromI32: 0xb2, f64FromI32: 0xb7 } as const;

export const loads: PerType<Instruction> = { f32: 0x2a, f64: 0x2b };
export const stores: PerType<Instruction> = { f32: 0x38, f64: 0x39 };

export const v128 = {
  load: 0xfd00,
  store: 0xfd0b,
  splatLoad: { f32: 0xfd09, f64: 0xfd0a },
  laneLoad: { f32: 0xfd56, f64: 0xfd57 },
  laneStore: { f32: 0xfd5a, f64: 0xfd5b },
  splat: { f32: 0xfd13, f64: 0xfd14 },
  splatI32: 0xfd11,
  extract: { f32: 0xfd1f, f64: 0xfd21 },
  replace: { f32: 0xfd20, f64: 0xfd22 },
  and: 0xfd4e,
  or: 0xfd50,
  bitSelect: 0xfd52,
  anyTrue: 0xfd53,
  /** Two f64 lanes to the lower two f32 lanes. */
  demote: 0xfd5e,
  /** The lower two f32 lanes to f64. */
  promote: 0xfd5f,
  addI32: 0xfdae,
  extendLow: 0xfdc7,
  extendHigh: 0xfdc8,
  f32FromI32: 0xfdfa,
  f64FromI32: 0xfdfe,
} as const;

/** Four words of 32 bits. */
export const words = {
  extract: 0xfd1b,
  replace: 0xfd1c,
  ltS: 0xfd39,
  geS: 0xfd3f,
  xor: 0xfd51,
  shl: 0xfdab,
  shrU: 0xfdad,
  sub: 0xfdb1,
  mul: 0xfdb5,
  minS: 0xfdb6,
  maxS: 0xfdb8,
  truncS: 0xfdf8,
} as const;

/** Codes of one or two bytes: single ones, and four of them from and to 32-bit lanes. */
export const codes = {
  load: { 1: 0x2d, 2: 0x2f },
  store: { 1: 0x3a, 2: 0x3b },
  /** Four bytes, and what widens them; four halves, wide already. */
  loadBytes: 0xfd5c,
  bytesToHalves: 0xfd89,
  halvesToWords: 0xfda9,
  loadHalves: 0xfd04,
  wordsToHalves: 0xfd86,
  halvesToBytes: 0xfd66,
} as const;

/** Shuffles: the lower halves of two vectors as one; a vector with its halves exchanged. */
export const lowHalves: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
export const highFirst: readonly number[] = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
