import { type Instruction, type MemoryInstruction, valueTypes } from './instructions.ts';

export type ValueType = keyof typeof valueTypes;

const word = new DataView(new ArrayBuffer(8));

/** WebAssembly instructions as bytes, written front to back. */
export class Code {
  readonly bytes: number[] = [];

  /** An unsigned LEB128 number. */
  unsigned(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes.push((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.bytes.push(rest);
    return this;
  }

  /** Adds what another writer has written. */
  append(other: Code): this {
    for (const byte of other.bytes) this.bytes.push(byte);
    return this;
  }

  /** An instruction without operands. */
  op(instruction: Instruction): this {
    const { prefix, code, rest } = instruction;
    if (prefix !== undefined) this.bytes.push(prefix);
    this.unsigned(code);
    if (rest !== undefined) this.bytes.push(...rest);
    return this;
  }

  /** An instruction on lane `lane`. */
  lane(instruction: Instruction, lane: number): this {
    this.op(instruction).bytes.push(lane);
    return this;
  }

  /** A load or store at the address on the stack plus `offset`; `lane` where the instruction is about one. */
  memory(instruction: MemoryInstruction, offset: number, lane?: number): this {
    this.op(instruction).bytes.push(0);
    this.unsigned(offset);
    if (lane !== undefined) this.bytes.push(lane);
    return this;
  }

  get(local: number): this {
    this.bytes.push(0x20);
    return this.unsigned(local);
  }

  set(local: number): this {
    this.bytes.push(0x21);
    return this.unsigned(local);
  }

  tee(local: number): this {
    this.bytes.push(0x22);
    return this.unsigned(local);
  }

  global(index: number): this {
    this.bytes.push(0x23);
    return this.unsigned(index);
  }

  call(callee: number): this {
    this.bytes.push(0x10);
    return this.unsigned(callee);
  }

  /** A constant; addresses above 2³¹ wrap to the same bits. */
  i32(value: number): this {
    this.bytes.push(0x41);
    let rest = value | 0;
    for (;;) {
      const byte = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)) {
        this.bytes.push(byte);
        return this;
      }
      this.bytes.push(byte | 0x80);
    }
  }

  /** A constant below 2³². */
  i64(value: number): this {
    this.bytes.push(0x42);
    if (value < 0x40) this.bytes.push(value);
    else {
      // One more group than needed keeps the sign positive.
      for (let rest = value; ; rest = Math.floor(rest / 0x80)) {
        if (rest < 0x40) {
          this.bytes.push(rest);
          break;
        }
        this.bytes.push((rest % 0x80) | 0x80);
      }
    }
    return this;
  }

  f32(value: number): this {
    this.bytes.push(0x43);
    word.setFloat32(0, value, true);
    return this.word(4);
  }

  f64(value: number): this {
    this.bytes.push(0x44);
    word.setFloat64(0, value, true);
    return this.word(8);
  }

  /** A vector constant of four words. */
  v128(words: readonly number[]): this {
    this.bytes.push(0xfd, 12);
    for (const value of words) {
      word.setUint32(0, value >>> 0, true);
      this.word(4);
    }
    return this;
  }

  /** Picks 16 bytes of two vectors. */
  shuffle(lanes: readonly number[]): this {
    this.bytes.push(0xfd, 13, ...lanes);
    return this;
  }

  block(): this {
    this.bytes.push(0x02, 0x40);
    return this;
  }

  loop(): this {
    this.bytes.push(0x03, 0x40);
    return this;
  }

  if(result?: ValueType): this {
    this.bytes.push(0x04, result === undefined ? 0x40 : valueTypes[result]);
    return this;
  }

  else(): this {
    this.bytes.push(0x05);
    return this;
  }

  end(): this {
    this.bytes.push(0x0b);
    return this;
  }

  br(depth: number): this {
    this.bytes.push(0x0c);
    return this.unsigned(depth);
  }

  brIf(depth: number): this {
    this.bytes.push(0x0d);
    return this.unsigned(depth);
  }

  /** Copies bytes: destination, source and length are on the stack. */
  copy(): this {
    this.bytes.push(0xfc, 10, 0, 0);
    return this;
  }

  /** Fills bytes: destination, value and length are on the stack. */
  fill(): this {
    this.bytes.push(0xfc, 11, 0);
    return this;
  }

  /** local ← local + constant. */
  bump(local: number, by: number): this {
    return by === 0 ? this : this.get(local).i32(by).op(i32Add).set(local);
  }

  private word(bytes: number): this {
    for (let i = 0; i < bytes; i++) this.bytes.push(word.getUint8(i));
    return this;
  }
}

const i32Add: Instruction = { code: 0x6a };
