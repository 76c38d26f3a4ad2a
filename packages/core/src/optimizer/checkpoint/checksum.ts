const littleEndian: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Words in turns: a processor mixes four of them in the time that one takes to be ready for its next. */
export type Lanes = 1 | 4;

const mixed = (h: number, word: number): number => {
  const product = Math.imul(h ^ word, 0x9e3779b1);
  return (product << 13) | (product >>> 19);
};

/**
 * 32 bits for each lane about all bytes so far, taken as little-endian words w, the i-th of them in lane i mod `lanes`:
 * h ← rotate₁₃((h ⊕ w)·p). Each round can be undone, so that no change of a single word goes unnoticed; of any other, one in 2³².
 */
export class Checksum {
  private readonly h: [number, number, number, number] = [0x811c9dc5, 0x811c9dc5, 0x811c9dc5, 0x811c9dc5];
  private readonly lanes: Lanes;
  /** Of the next word. */
  private lane = 0;

  constructor(lanes: Lanes = 4) {
    this.lanes = lanes;
  }

  /** @param bytes a multiple of four */
  add(bytes: Uint8Array): void {
    const words = wordsOf(bytes);
    let at = 0;
    while (at < words.length && this.lane !== 0) this.next(words[at++] ?? 0);
    if (this.lanes === 4) {
      const end = words.length - ((words.length - at) % 4);
      let [a, b, c, d] = this.h;
      for (; at < end; at += 4) {
        a = mixed(a, words[at] ?? 0);
        b = mixed(b, words[at + 1] ?? 0);
        c = mixed(c, words[at + 2] ?? 0);
        d = mixed(d, words[at + 3] ?? 0);
      }
      [this.h[0], this.h[1], this.h[2], this.h[3]] = [a, b, c, d];
    }
    while (at < words.length) this.next(words[at++] ?? 0);
  }

  /** One for each lane. */
  get values(): number[] {
    return this.h.slice(0, this.lanes).map((h) => h >>> 0);
  }

  private next(word: number): void {
    this.h[this.lane] = mixed(this.h[this.lane] ?? 0, word);
    this.lane = (this.lane + 1) % this.lanes;
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
