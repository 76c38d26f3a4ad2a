const littleEndian: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * 32 bits about all bytes so far, taken as little-endian words w: h ← rotate₁₃((h ⊕ w)·p). Each round can be undone, so that no change of a
 * single word goes unnoticed; of any other, one in 2³².
 */
export class Checksum {
  private h = 0x811c9dc5;

  /** @param bytes a multiple of four */
  add(bytes: Uint8Array): void {
    let { h } = this;
    const words = wordsOf(bytes);
    for (let i = 0; i < words.length; i++) {
      const mixed = Math.imul(h ^ (words[i] ?? 0), 0x9e3779b1);
      h = (mixed << 13) | (mixed >>> 19);
    }
    this.h = h;
  }

  get value(): number {
    return this.h >>> 0;
  }
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const { length } = bytes;
  if (littleEndian) {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    return new Uint32Array(aligned.buffer, aligned.byteOffset, length / 4);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  return Uint32Array.from({ length: length / 4 }, (_, i) => view.getUint32(4 * i, true));
}
