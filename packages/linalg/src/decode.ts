import { fuse } from './fuse.ts';
import { kernels } from './generated/kernels.ts';

/** Printable characters that no kind of string literal escapes. */
const digits = ' !#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~';

const LOCAL_GET = 0x20;

/**
 * The embedded module, with fused multiply-add if asked for. It is written with one character for each of the 74 most frequent bytes,
 * −6 to 67, and for each of the 15 most frequent instructions, which read locals; and two for every other byte: compressed that is shorter
 * than the module itself, where base64 takes a third as much again.
 */
export const decodeKernels = (fma: boolean): Uint8Array<ArrayBuffer> => {
  const digit = Object.fromEntries([...digits].map((character, i) => [character, i]));
  const bytes: number[] = [];
  const texts = kernels[Symbol.iterator]();
  for (const character of texts) {
    const first = digit[character] ?? 0;
    if (first < 2) bytes.push(68 + 91 * first + (digit[texts.next().value ?? ' '] ?? 0));
    else if (first < 17) bytes.push(LOCAL_GET, first - 2);
    else bytes.push(first - 23);
  }
  const module = Uint8Array.from(bytes);
  return fma ? fuse(module) : module;
};
