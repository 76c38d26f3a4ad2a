/// <reference lib="dom" preserve="true" />

import { readBack } from './memory.ts';
import { usage } from './usage.ts';

/** Most passes that are timed at once. */
const passes = 1024;

/** Begin and end of compute passes on the clock of the GPU. */
export class Timer {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  #next = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: 'timestamp', count: 2 * passes });
  }

  /** What the next pass writes; undefined where there is no more room. */
  pass(): GPUComputePassTimestampWrites | undefined {
    if (this.#next >= passes) return undefined;
    const at = 2 * this.#next++;
    return { querySet: this.#queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
  }

  /** Milliseconds of all timed passes together. Ends the timer. */
  async total(): Promise<number> {
    const count = 2 * this.#next;
    if (count === 0) return 0;
    const resolved = this.#device.createBuffer({ size: 8 * count, usage: usage.queryResolve | usage.copySource });
    try {
      const encoder = this.#device.createCommandEncoder();
      encoder.resolveQuerySet(this.#queries, 0, count, resolved, 0);
      this.#device.queue.submit([encoder.finish()]);
      const { buffer } = await readBack(this.#device, resolved, 0, 8 * count);
      const times = new BigUint64Array(buffer);
      let nanoseconds = 0;
      for (let i = 0; i < count; i += 2) nanoseconds += Number((times[i + 1] ?? 0n) - (times[i] ?? 0n));
      return nanoseconds / 1e6;
    } finally {
      resolved.destroy();
      this.#queries.destroy();
    }
  }
}
