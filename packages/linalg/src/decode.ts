import { fuse } from './fuse.ts';
import { kernels } from './generated/kernels.ts';

/** Printable characters that some kind of string literal escapes: quotes and the backslash. The 91 others are digits. */
const escaped = [34, 39, 92, 96];

const digit = (at: number): number => {
  const code = kernels.charCodeAt(at);
  return escaped.reduce((value, other) => value - Number(code > other), code - 32);
};

const LOCAL_GET = 0x20;
const I32_CONST = 0x41;

/**
 * The embedded module, with fused multiply-add if asked for. It is written with one character for each of the 28 most frequent reads of a
 * local, of the integers 0 to 15 and of the 44 most frequent bytes, −4 to 39, and two for every other byte: compressed that is shorter than
 * the module itself, where base64 takes a third as much again.
 */
export const decodeKernels = (fma: boolean): Uint8Array<ArrayBuffer> => {
  const bytes: number[] = [];
  for (let at = 0; at < kernels.length; at++) {
    const first = digit(at);
    if (first < 3) bytes.push(40 + 91 * first + digit(++at));
    else if (first < 31) bytes.push(LOCAL_GET, first - 3);
    else if (first < 47) bytes.push(I32_CONST, first - 31);
    else bytes.push(first - 51);
  }
  const module = Uint8Array.from(bytes);
  return fma ? fuse(module) : module;
};
