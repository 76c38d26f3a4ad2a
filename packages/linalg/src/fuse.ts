const NOP = 0x01;
const LOCAL_GET = 0x20;
const VECTOR = 0xfd;

/** [mul, add, relaxed_madd] of f32x4 and f64x2, each the low byte of a two-byte opcode that goes with VECTOR. */
const opcodes = [
  [0xe6, 0xe4, 0x85],
  [0xf2, 0xf0, 0x87],
] as const;

/**
 * The kernels with fused multiply-add, made of those without: wherever a product is added to a local, a·b; c; + becomes a·b + c in one
 * relaxed-SIMD instruction. A second embedded module would double the size of the package; lengths stay the same, so nothing moves.
 */
export const fuse = (module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
  const fused = module.slice();
  for (let at = 0; at < fused.length; at++) {
    for (const [mul, add, madd] of opcodes) {
      if (fused[at] !== VECTOR || fused[at + 1] !== mul || fused[at + 2] !== 1 || fused[at + 3] !== LOCAL_GET) continue;
      // The index of the local takes one byte below 128 and two above.
      const end = at + ((fused[at + 4] ?? 0) < 128 ? 5 : 6);
      if (fused[end] !== VECTOR || fused[end + 1] !== add || fused[end + 2] !== 1) continue;
      fused.fill(NOP, at, at + 3);
      fused.set([VECTOR, madd, 2], end);
    }
  }
  return fused;
};
