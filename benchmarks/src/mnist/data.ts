import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Images as the network sees them, (byte/255 − 0.1307)/0.3081 row by row, and their digits. */
export interface Images {
  readonly count: number;
  readonly pixels: Float32Array;
  readonly labels: Uint8Array;
}

export interface Mnist {
  readonly train: Images;
  readonly test: Images;
}

export const pixelCount = 784;

/** Reads the four idx files of a directory. */
export const readMnist = (directory: string): Mnist => ({
  train: readImages(directory, 'train'),
  test: readImages(directory, 't10k'),
});

function readImages(directory: string, part: string): Images {
  const images = readIdx(join(directory, `${part}-images-idx3-ubyte.gz`), 3);
  const labels = readIdx(join(directory, `${part}-labels-idx1-ubyte.gz`), 1);
  if (images.length !== labels.length * pixelCount)
    throw new Error(`${directory}: ${labels.length} labels for ${images.length / pixelCount} images`);
  return { count: labels.length, labels, pixels: Float32Array.from(images, (byte) => (Math.fround(byte / 255) - 0.1307) / 0.3081) };
}

/** The bytes of an idx file of `rank` axes: magic number, sizes, values. */
function readIdx(path: string, rank: number): Uint8Array {
  const file = gunzipSync(readFileSync(path));
  if (file.readUInt32BE(0) !== 0x800 + rank) throw new Error(`${path}: not an idx file of bytes with ${rank} axes`);
  const sizes = Array.from({ length: rank }, (_, i) => file.readUInt32BE(4 + 4 * i));
  const values = file.subarray(4 + 4 * rank);
  if (values.length !== sizes.reduce((a, b) => a * b, 1))
    throw new Error(`${path}: ${values.length} values for a shape of ${sizes.join(' × ')}`);
  return values;
}

/** The order of images in an epoch, counted from 0: Fisher–Yates with mulberry32(1000 + epoch). */
export function shuffled(count: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const next = mulberry32(1000 + epoch);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}

function mulberry32(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The images at `order`, pixels into `pixels`, digits into `targets` as rows of ten with a single 1. */
export function fill({ pixels, labels }: Images, order: ArrayLike<number>, into: { pixels: Float32Array; targets: Float32Array }): void {
  into.targets.fill(0);
  for (let i = 0; i < order.length; i++) {
    const from = order[i] ?? 0;
    into.pixels.set(pixels.subarray(from * pixelCount, (from + 1) * pixelCount), i * pixelCount);
    into.targets[i * 10 + (labels[from] ?? 0)] = 1;
  }
}
