import { LinalgError } from './error.ts';

const PAGE = 65_536;

/** Sixteen-byte steps: every vector access is aligned and kernels may assume it of their scratch memory. */
const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** Addresses for one call, handed out from the start of a linear memory of its own that grows when a call needs more. */
export class Arena {
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 1 });

  /** The addresses of consecutive blocks of the given sizes. Growing detaches earlier views: ask before making any. */
  layout<const Sizes extends readonly number[]>(sizes: Sizes): { [I in keyof Sizes]: number } {
    // Address 0 stays free: kernels read it as "absent".
    let end = 16;
    const place = (bytes: number): number => {
      const at = end;
      end += aligned(bytes);
      return at;
    };
    // TypeScript types the map of a tuple as an array.
    const addresses = sizes.map(place) as { [I in keyof Sizes]: number };
    const missing = Math.ceil((end - this.memory.buffer.byteLength) / PAGE);
    if (missing > 0) this.#grow(missing, end);
    return addresses;
  }

  #grow(pages: number, bytes: number): void {
    try {
      this.memory.grow(pages);
    } catch {
      throw new LinalgError('out-of-memory', 'memory', `the call needs ${bytes} bytes of linear memory, more than could be had`);
    }
  }
}
