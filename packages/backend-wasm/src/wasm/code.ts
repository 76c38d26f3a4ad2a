import { type Instruction, i32, valueTypes } from './instructions.ts';

export type ValueType = keyof typeof valueTypes;

const word = new DataView(new ArrayBuffer(8));

/** Bytes in memory of their own: `Uint8Array<ArrayBuffer>` for compilers that know of it, TypeScript 5.7 on. */
export type OwnBytes = ReturnType<Uint8Array['slice']>;

/** WebAssembly instructions as bytes, written front to back. */
export class Code {
  #room: OwnBytes = new Uint8Array(64);
  /** Bytes written. */
  length = 0;

  /** What was written; a view that the next write may leave behind. */
  get bytes(): OwnBytes {
    return this.#room.subarray(0, this.length);
  }

  byte(value: number): this {
    if (this.length === this.#room.length) this.#reserve(1);
    this.#room[this.length++] = value;
    return this;
  }

  /** Starts again; the room stays. */
  clear(): this {
    this.length = 0;
    return this;
  }

  /** An unsigned LEB128 number. */
  unsigned(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.byte(rest);
  }

  /** Adds what another writer has written. */
  append(other: Code): this {
    this.#reserve(other.length);
    this.#room.set(other.bytes, this.length);
    this.length += other.length;
    return this;
  }

  /** An instruction without operands. */
  op(instruction: Instruction): this {
    if (instruction >= 0x100) this.byte(instruction >> 8);
    return this.unsigned(instruction & 0xff);
  }

  /** An instruction on lane `lane`. */
  lane(instruction: Instruction, lane: number): this {
    return this.op(instruction).byte(lane);
  }

  /** A load or store at the address on the stack plus `offset`; `lane` where the instruction is about one. */
  memory(instruction: Instruction, offset: number, lane?: number): this {
    this.op(instruction).byte(0).unsigned(offset);
    return lane === undefined ? this : this.byte(lane);
  }

  get(local: number): this {
    return this.byte(0x20).unsigned(local);
  }

  set(local: number): this {
    return this.byte(0x21).unsigned(local);
  }

  tee(local: number): this {
    return this.byte(0x22).unsigned(local);
  }

  global(index: number): this {
    return this.byte(0x23).unsigned(index);
  }

  call(callee: number): this {
    return this.byte(0x10).unsigned(callee);
  }

  /** A constant; addresses above 2³¹ wrap to the same bits. */
  i32(value: number): this {
    return this.byte(0x41).#signed(value);
  }

  i64(value: number): this {
    return this.byte(0x42).#signed(value);
  }

  /** An atomic access to the address on the stack plus `offset`, which must be a multiple of 2^`alignment`. */
  atomic(instruction: Instruction, offset: number, alignment = 2): this {
    return this.op(instruction).byte(alignment).unsigned(offset);
  }

  f32(value: number): this {
    this.byte(0x43);
    word.setFloat32(0, value, true);
    return this.#word(4);
  }

  f64(value: number): this {
    this.byte(0x44);
    word.setFloat64(0, value, true);
    return this.#word(8);
  }

  /** A vector constant of four words. */
  v128(words: readonly number[]): this {
    this.byte(0xfd).byte(12);
    for (const value of words) {
      word.setUint32(0, value >>> 0, true);
      this.#word(4);
    }
    return this;
  }

  /** Picks 16 bytes of two vectors. */
  shuffle(lanes: readonly number[]): this {
    this.byte(0xfd).byte(13);
    for (const lane of lanes) this.byte(lane);
    return this;
  }

  block(): this {
    return this.byte(0x02).byte(0x40);
  }

  loop(): this {
    return this.byte(0x03).byte(0x40);
  }

  if(result?: ValueType): this {
    return this.byte(0x04).byte(result === undefined ? 0x40 : valueTypes[result]);
  }

  else(): this {
    return this.byte(0x05);
  }

  end(): this {
    return this.byte(0x0b);
  }

  br(depth: number): this {
    return this.byte(0x0c).unsigned(depth);
  }

  brIf(depth: number): this {
    return this.byte(0x0d).unsigned(depth);
  }

  return(): this {
    return this.byte(0x0f);
  }

  /** Copies bytes: destination, source and length are on the stack. */
  copy(): this {
    return this.byte(0xfc).byte(10).byte(0).byte(0);
  }

  /** Fills bytes: destination, value and length are on the stack. */
  fill(): this {
    return this.byte(0xfc).byte(11).byte(0);
  }

  /** local ← local + constant. */
  bump(local: number, by: number): this {
    return by === 0 ? this : this.get(local).i32(by).op(i32.add).set(local);
  }

  /** A signed LEB128 number of 32 bits. */
  #signed(value: number): this {
    let rest = value | 0;
    for (;;) {
      const byte = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)) {
        return this.byte(byte);
      }
      this.byte(byte | 0x80);
    }
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#room.length) return;
    const wider = new Uint8Array(Math.max(2 * this.#room.length, this.length + more));
    wider.set(this.bytes);
    this.#room = wider;
  }

  #word(bytes: number): this {
    for (let i = 0; i < bytes; i++) this.byte(word.getUint8(i));
    return this;
  }
}
