import { BackendError } from '@opt/core';
import type { OwnBytes } from '../wasm/code.ts';

const importSection = 2;

/** Reads an unsigned LEB128 number: its value and where it ends. */
function unsigned(bytes: Uint8Array, at: number): readonly [value: number, end: number] {
  let [value, shift, i] = [0, 0, at];
  for (;;) {
    const byte = bytes[i++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    shift += 7;
    if (byte < 0x80) return [value, i];
  }
}

function encoded(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

/** A module whose one import is a memory of no stated maximum, with a shared memory of at most `pages` in its place. */
export function sharing(module: Uint8Array, pages: number): OwnBytes {
  for (let at = 8; at < module.length; ) {
    const [length, start] = unsigned(module, at + 1);
    const end = start + length;
    if (module[at] === importSection) {
      // One import; behind its names: a memory, no maximum, the minimum.
      const [least, limit] = [module[end - 1] ?? 0, end - 3];
      if (module[start] !== 1 || module[limit] !== 2 || module[limit + 1] !== 0 || least >= 0x80)
        throw new BackendError('wasm: the kernels import something other than a memory');
      const content = [...module.subarray(start, limit), 2, 3, least, ...encoded(pages)];
      return Uint8Array.from([...module.subarray(0, at + 1), ...encoded(content.length), ...content, ...module.subarray(end)]);
    }
    at = end;
  }
  throw new BackendError('wasm: the kernels import no memory');
}
