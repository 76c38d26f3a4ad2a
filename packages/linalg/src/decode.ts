import { fuse } from './fuse.ts';
import { kernels } from './generated/kernels.ts';

/** Printable characters that no kind of string literal escapes. */
const digits = ' !#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~';

/**
 * The embedded module, with fused multiply-add if asked for. It is written with one character for each of the 89 most frequent bytes,
 * −6 to 82, and two for the others: compressed that is as short as the module itself, where base64 takes half as much again.
 */
export const decodeKernels = (fma: boolean): Uint8Array<ArrayBuffer> => {
  const digit = Object.fromEntries([...digits].map((character, i) => [character, i]));
  const bytes: number[] = [];
  const texts = kernels[Symbol.iterator]();
  for (const character of texts) {
    const first = digit[character] ?? 0;
    bytes.push((first < 2 ? 89 + 91 * first + (digit[texts.next().value ?? ' '] ?? 0) : first - 2) - 6);
  }
  const module = Uint8Array.from(bytes);
  return fma ? fuse(module) : module;
};
