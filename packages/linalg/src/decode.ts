import { fma as fmaHex } from './generated/fma.ts';
import { simd as simdHex } from './generated/simd.ts';

/** Decodes an embedded module. */
export const decodeKernels = (fma: boolean): Uint8Array<ArrayBuffer> => {
  const hex = fma ? fmaHex : simdHex;
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
};
