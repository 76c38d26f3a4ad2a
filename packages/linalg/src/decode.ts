import { fuse } from './fuse.ts';
import { kernels } from './generated/kernels.ts';

/** The embedded module, with fused multiply-add if asked for. */
export const decodeKernels = (fma: boolean): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(kernels.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(kernels.slice(2 * i, 2 * i + 2), 16);
  return fma ? fuse(bytes) : bytes;
};
