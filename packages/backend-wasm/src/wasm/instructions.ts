/** An instruction's bytes: `prefix` of its group, and its number there. */
export interface Instruction {
  readonly prefix?: number;
  readonly code: number;
}

/** An instruction that takes an address. */
export interface MemoryInstruction extends Instruction {
  readonly memory: true;
}

/** One for each precision. */
type PerType<I> = Readonly<Record<'f32' | 'f64', I>>;

export const valueTypes = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

const plain = (code: number): Instruction => ({ code });
const simd = (code: number): Instruction => ({ prefix: 0xfd, code });
const saturating = (code: number): Instruction => ({ prefix: 0xfc, code });
const memory = (code: number): MemoryInstruction => ({ code, memory: true });
const simdMemory = (code: number): MemoryInstruction => ({ prefix: 0xfd, code, memory: true });

export const i32: Readonly<
  Record<
    | 'eqz'
    | 'eq'
    | 'ne'
    | 'ltS'
    | 'ltU'
    | 'gtS'
    | 'geU'
    | 'and'
    | 'or'
    | 'xor'
    | 'add'
    | 'sub'
    | 'mul'
    | 'shl'
    | 'shrU'
    | 'fromF64'
    | 'fromI64',
    Instruction
  >
> &
  Readonly<Record<'load' | 'store', MemoryInstruction>> = {
  eqz: plain(0x45),
  eq: plain(0x46),
  ne: plain(0x47),
  ltS: plain(0x48),
  ltU: plain(0x49),
  gtS: plain(0x4a),
  geU: plain(0x4f),
  and: plain(0x71),
  or: plain(0x72),
  xor: plain(0x73),
  add: plain(0x6a),
  sub: plain(0x6b),
  mul: plain(0x6c),
  shl: plain(0x74),
  shrU: plain(0x76),
  fromF64: saturating(2),
  fromI64: plain(0xa7),
  load: memory(0x28),
  store: memory(0x36),
};

export const i64: Readonly<Record<'mul' | 'shrU' | 'fromI32' | 'fromF64', Instruction>> = {
  mul: plain(0x7e),
  shrU: plain(0x88),
  fromI32: plain(0xad),
  fromF64: saturating(7),
};

export const select: Instruction = plain(0x1b);
export const drop: Instruction = plain(0x1a);
export const returnNow: Instruction = plain(0x0f);

/** What exists for single numbers and for vectors, in both precisions. */
export interface Arithmetic {
  readonly abs: Instruction;
  readonly neg: Instruction;
  readonly floor: Instruction;
  readonly trunc: Instruction;
  readonly sqrt: Instruction;
  readonly add: Instruction;
  readonly sub: Instruction;
  readonly mul: Instruction;
  readonly div: Instruction;
  readonly min: Instruction;
  readonly max: Instruction;
  readonly eq: Instruction;
  readonly ne: Instruction;
  readonly lt: Instruction;
  readonly gt: Instruction;
  readonly le: Instruction;
}

const scalar = (first: number, compare: number): Arithmetic => ({
  abs: plain(first),
  neg: plain(first + 1),
  floor: plain(first + 3),
  trunc: plain(first + 4),
  sqrt: plain(first + 6),
  add: plain(first + 7),
  sub: plain(first + 8),
  mul: plain(first + 9),
  div: plain(first + 10),
  min: plain(first + 11),
  max: plain(first + 12),
  eq: plain(compare),
  ne: plain(compare + 1),
  lt: plain(compare + 2),
  gt: plain(compare + 3),
  le: plain(compare + 4),
});

const vector = (first: number, compare: number, floor: number, trunc: number): Arithmetic => ({
  abs: simd(first),
  neg: simd(first + 1),
  floor: simd(floor),
  trunc: simd(trunc),
  sqrt: simd(first + 3),
  add: simd(first + 4),
  sub: simd(first + 5),
  mul: simd(first + 6),
  div: simd(first + 7),
  min: simd(first + 8),
  max: simd(first + 9),
  eq: simd(compare),
  ne: simd(compare + 1),
  lt: simd(compare + 2),
  gt: simd(compare + 3),
  le: simd(compare + 4),
});

export const scalars: Readonly<Record<'f32' | 'f64', Arithmetic>> = { f32: scalar(0x8b, 0x5b), f64: scalar(0x99, 0x61) };
export const vectors: Readonly<Record<'f32' | 'f64', Arithmetic>> = {
  f32: vector(224, 65, 104, 105),
  f64: vector(236, 71, 117, 122),
};

export const copySigns: Readonly<Record<'f32' | 'f64', Instruction>> = { f32: plain(0x98), f64: plain(0xa6) };

/** Between single numbers. */
export const convert: Readonly<Record<'f32FromF64' | 'f64FromF32' | 'f32FromI32' | 'f64FromI32' | 'f64FromU32', Instruction>> = {
  f32FromF64: plain(0xb6),
  f64FromF32: plain(0xbb),
  f32FromI32: plain(0xb2),
  f64FromI32: plain(0xb7),
  f64FromU32: plain(0xb8),
};

export const loads: Readonly<Record<'f32' | 'f64', MemoryInstruction>> = { f32: memory(0x2a), f64: memory(0x2b) };
export const stores: Readonly<Record<'f32' | 'f64', MemoryInstruction>> = { f32: memory(0x38), f64: memory(0x39) };

export const v128: Readonly<
  Record<
    | 'splatI32'
    | 'and'
    | 'andNot'
    | 'or'
    | 'bitSelect'
    | 'anyTrue'
    | 'demote'
    | 'promote'
    | 'addI32'
    | 'extendLow'
    | 'extendHigh'
    | 'f32FromI32'
    | 'f64FromI32',
    Instruction
  >
> &
  Readonly<Record<'load' | 'store' | 'halfLoad', MemoryInstruction>> &
  Readonly<Record<'splat' | 'extract' | 'replace', PerType<Instruction>>> &
  Readonly<Record<'splatLoad' | 'laneLoad' | 'laneStore', PerType<MemoryInstruction>>> = {
  load: simdMemory(0),
  store: simdMemory(11),
  splatLoad: { f32: simdMemory(9), f64: simdMemory(10) },
  laneLoad: { f32: simdMemory(86), f64: simdMemory(87) },
  laneStore: { f32: simdMemory(90), f64: simdMemory(91) },
  /** The lower half alone, the rest 0. */
  halfLoad: simdMemory(93),
  splat: { f32: simd(19), f64: simd(20) },
  splatI32: simd(17),
  extract: { f32: simd(31), f64: simd(33) },
  replace: { f32: simd(32), f64: simd(34) },
  and: simd(78),
  andNot: simd(79),
  or: simd(80),
  bitSelect: simd(82),
  anyTrue: simd(83),
  /** Two f64 lanes to the lower two f32 lanes. */
  demote: simd(94),
  /** The lower two f32 lanes to f64. */
  promote: simd(95),
  addI32: simd(174),
  extendLow: simd(199),
  extendHigh: simd(200),
  f32FromI32: simd(250),
  f64FromI32: simd(254),
};
