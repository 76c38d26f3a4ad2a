import type { DType, Floats, Shape } from '@opt/core';
import { download, floats, type JaxArray, type JaxDevice, upload } from './jax.ts';

/** A value between two pieces of a program: on the device, in host memory, or both; moved when the other side first asks. */
export class Held {
  readonly shape: Shape;
  private readonly device: JaxDevice;
  private onDevice: JaxArray | undefined;
  private onHost: Floats | undefined;

  private constructor(shape: Shape, device: JaxDevice, onDevice: JaxArray | undefined, onHost: Floats | undefined) {
    this.shape = shape;
    this.device = device;
    this.onDevice = onDevice;
    this.onHost = onHost;
  }

  /** Consumes `array`. */
  static ofArray(array: JaxArray, device: JaxDevice): Held {
    return new Held(array.shape, device, array, undefined);
  }

  static ofData(data: ArrayLike<number>, shape: Shape, dtype: DType, device: JaxDevice): Held {
    return new Held(shape, device, undefined, floats(dtype, data));
  }

  /** A reference of the caller's own. */
  array(): JaxArray {
    this.onDevice ??= upload(this.onHost ?? new Float32Array(0), this.shape, this.device);
    return this.onDevice.ref;
  }

  /** To be read only. */
  data(): Floats {
    this.onHost ??= this.onDevice === undefined ? new Float32Array(0) : download(this.onDevice);
    return this.onHost;
  }

  /** The same value, to be released on its own. */
  share(): Held {
    return new Held(this.shape, this.device, this.onDevice?.ref, this.onHost);
  }

  release(): void {
    this.onDevice?.dispose();
    this.onDevice = undefined;
  }
}
