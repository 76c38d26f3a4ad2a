const text = new TextEncoder();

/** Fields of a protocol-buffer message, written front to back. */
export class Message {
  readonly #bytes: number[] = [];

  /** An integer ≥ 0, or a negative one in ten bytes. */
  int(field: number, value: number | bigint): this {
    return this.#tag(field, 0).#varint(BigInt.asUintN(64, BigInt(value)));
  }

  float(field: number, value: number): this {
    const word = new DataView(new ArrayBuffer(4));
    word.setFloat32(0, value, true);
    this.#tag(field, 5);
    for (let i = 0; i < 4; i++) this.#bytes.push(word.getUint8(i));
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, text.encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.#bytes);
  }

  bytes(field: number, value: ArrayLike<number>): this {
    this.#tag(field, 2).#varint(BigInt(value.length));
    for (let i = 0; i < value.length; i++) this.#bytes.push(value[i] ?? 0);
    return this;
  }

  encode(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes);
  }

  #tag(field: number, wire: number): this {
    return this.#varint(BigInt((field << 3) | wire));
  }

  #varint(value: bigint): this {
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) this.#bytes.push(Number(rest & 0x7fn) | 0x80);
    this.#bytes.push(Number(rest));
    return this;
  }
}
