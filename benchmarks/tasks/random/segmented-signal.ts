import type { Draw } from '../../../examples/race/src/stream.ts';
import { normals } from './draws.ts';
import { standardized } from './standardized.ts';

export const signalLength = 32;
export const classCount = 5;

const shortest = 3;

/** What a segment of each class looks like over its times t in [0, 1]; numbers are drawn in the order they stand here. */
const shapes: readonly ((draw: Draw, times: readonly number[]) => ArrayLike<number>)[] = [
  (draw, times) => wave(1.5 + draw(), draw, times),
  (draw, times) => wave(0.3 + 0.4 * draw(), draw, times),
  (draw, times) => {
    const [start, duty] = [draw(), 0.3 + 0.4 * draw()];
    return times.map((t) => ((t + start) % 1 < duty ? 1 : -1));
  },
  (draw, times) => {
    const sign = draw() < 0.5 ? -1 : 1;
    return times.map((t) => sign * (2 * t - 1));
  },
  (draw, times) => {
    const noise = normals(draw, times.length).map((z) => 0.2 * z);
    const spike = Math.floor(times.length * draw());
    noise[spike] = 1.5 + draw();
    return noise;
  },
];

function wave(cycles: number, draw: Draw, times: readonly number[]): number[] {
  const phase = 2 * Math.PI * draw();
  return times.map((t) => Math.sin(2 * Math.PI * cycles * t + phase));
}

/** A signal of three to six segments with some noise, standardized, and the class of each of its samples. */
export function segmentedSignal(draw: Draw): { readonly signal: Float64Array; readonly labels: Uint8Array } {
  const segments = 3 + Math.floor(4 * draw());
  const lengths = new Uint8Array(segments).fill(shortest);
  for (let spare = signalLength - shortest * segments; spare > 0; spare--) {
    const grown = Math.floor(segments * draw());
    lengths[grown] = (lengths[grown] ?? 0) + 1;
  }
  const signal = new Float64Array(signalLength);
  const labels = new Uint8Array(signalLength);
  let start = 0;
  for (const length of lengths) {
    const label = Math.floor(classCount * draw());
    const times = Array.from({ length }, (_, j) => j / (length - 1));
    signal.set(shapes[label]?.(draw, times) ?? [], start);
    labels.fill(label, start, start + length);
    start += length;
  }
  const noise = normals(draw, signalLength);
  return { signal: standardized(signal.map((value, i) => value + 0.1 * (noise[i] ?? 0))), labels };
}
