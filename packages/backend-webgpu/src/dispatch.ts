/// <reference lib="dom" preserve="true" />
/** Where a tensor of 32-bit numbers lies: what a dispatch binds. Only the backend looks inside. */
export interface Place {
  readonly buffer: GPUBuffer;
  /** Bytes; a multiple of the device's `minStorageBufferOffsetAlignment`. */
  readonly offset: number;
  /** Bytes of what lies there and no more: shaders take their sizes from it. */
  readonly size: number;
}

/**
 * One dispatch of one compute shader. `bindings[i]` is `@group(0) @binding(i) var<storage, read_write>`, also where it is only read: the
 * places are parts of a few large buffers, and WebGPU wants one usage per buffer and dispatch. Every binding declared is used by
 * `main`, the entry. Places of one dispatch never overlap. Equal `wgsl` shares a pipeline.
 */
export interface Dispatch {
  readonly label: string;
  readonly wgsl: string;
  readonly bindings: readonly Place[];
  readonly workgroups: readonly [number, number, number];
}

/** A factorisation of fixed shape, as dispatches between places. */
export interface Factorization {
  /** f32 elements of every piece of scratch it needs. What is in them at first is anything. */
  readonly scratch: readonly number[];
  /** Inputs are left as they are; the output overlaps nothing. Called when a program is compiled, and again if its scratch moves. */
  dispatches(places: {
    readonly inputs: readonly Place[];
    readonly output: Place;
    readonly scratch: readonly Place[];
  }): readonly Dispatch[];
}

/**
 * The factorisations of a device, by shape; undefined where one is too large for it. `batch` matrices lie one after the other.
 * `eigh` gives all values, then all vectors, as the operation of that name does.
 */
export interface Factorizations {
  eigh(batch: number, n: number): Factorization | undefined;
  orthonormalize(
    batch: number,
    rows: number,
    columns: number,
    deficient: 'zero' | 'complete',
    tolerance: number,
  ): Factorization | undefined;
  cholesky(batch: number, n: number): Factorization | undefined;
  solveTriangular(batch: number, n: number, columns: number, transpose: boolean): Factorization | undefined;
}
