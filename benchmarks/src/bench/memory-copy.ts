import { type Entry, looped } from './contender.ts';

export const memoryCopy = 'memory copy';

/** Moves `bytes` between memory and processor: half of them are read, half written. */
export const copyOf = (bytes: number): Entry => ({
  name: memoryCopy,
  async make() {
    const floats = Math.max(1, Math.round(bytes / 8));
    const [source, target] = [new Float32Array(floats).fill(1), new Float32Array(floats).fill(2)];
    return looped(() => target.set(source));
  },
});
