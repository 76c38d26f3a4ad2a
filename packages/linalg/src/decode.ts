import { fma as fmaBase64 } from './generated/fma.ts';
import { simd as simdBase64 } from './generated/simd.ts';

/** Decodes the embedded module; `atob` exists in browsers, workers and Node alike. */
export const decodeKernels = (fma: boolean): Uint8Array<ArrayBuffer> => {
  const text = atob(fma ? fmaBase64 : simdBase64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
};
