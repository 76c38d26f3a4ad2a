/// <reference lib="dom" preserve="true" />
import { MissingPeer } from '../contender.ts';

const passes = 2048;

interface Page {
  readonly queries: GPUQuerySet;
  used: number;
}

/**
 * How long the compute passes of a device take, whoever encodes them: from now on every pass gets timestamps for its beginning and
 * its end.
 */
export class PassClock {
  private readonly device: GPUDevice;
  private readonly pages: Page[] = [];
  private at = 0;

  /** @throws MissingPeer for a device without timestamps */
  constructor(device: GPUDevice) {
    if (!device.features.has('timestamp-query')) throw new MissingPeer('the device was made without timestamps');
    this.device = device;
    const createCommandEncoder = device.createCommandEncoder.bind(device);
    Object.assign(device, {
      createCommandEncoder: (descriptor?: GPUCommandEncoderDescriptor): GPUCommandEncoder => {
        const encoder = createCommandEncoder(descriptor);
        const beginComputePass = encoder.beginComputePass.bind(encoder);
        return Object.assign(encoder, {
          beginComputePass: (pass: GPUComputePassDescriptor = {}) =>
            beginComputePass({ ...pass, timestampWrites: pass.timestampWrites ?? this.next() }),
        });
      },
    });
  }

  start(): void {
    this.at = 0;
    for (const page of this.pages) page.used = 0;
  }

  /** Seconds in passes since `start`. */
  async seconds(): Promise<number> {
    let sum = 0;
    for (const page of this.pages) if (page.used > 0) sum += await this.read(page);
    return sum / 1e9;
  }

  private next(): GPUComputePassTimestampWrites {
    if (this.pages[this.at]?.used === passes) this.at++;
    const page = this.pages[this.at] ?? { queries: this.device.createQuerySet({ type: 'timestamp', count: 2 * passes }), used: 0 };
    this.pages[this.at] = page;
    const first = 2 * page.used++;
    return { querySet: page.queries, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
  }

  private async read({ queries, used }: Page): Promise<number> {
    const size = 16 * used;
    const resolved = this.device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    const mapped = this.device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = this.device.createCommandEncoder();
    encoder.resolveQuerySet(queries, 0, 2 * used, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, mapped, 0, size);
    this.device.queue.submit([encoder.finish()]);
    await mapped.mapAsync(GPUMapMode.READ);
    const times = new BigUint64Array(mapped.getMappedRange());
    let sum = 0n;
    for (let i = 0; i < times.length; i += 2) sum += (times[i + 1] ?? 0n) - (times[i] ?? 0n);
    mapped.destroy();
    resolved.destroy();
    return Number(sum);
  }
}
