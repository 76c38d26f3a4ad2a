/**
 * The first weights of the recorded runs: those of PyTorch's nn.Linear after torch.manual_seed(0), uniform in ±1/√inputs from the
 * Mersenne twister (Matsumoto and Nishimura 1998), 24 bits each, scaled by one fused multiply-add, in the order fc1.weight, fc2.weight, fc3.weight, fc3.bias.
 */
export function initialWeights(
  shapes: Readonly<Record<string, { readonly size: number; readonly inputs: number }>>,
): Record<string, Float32Array> {
  const next = mersenneTwister(0);
  return Object.fromEntries(
    Object.entries(shapes).map(([name, { size, inputs }]) => {
      const bound = 1 / Math.sqrt(inputs);
      const [from, width] = [Math.fround(-bound), Math.fround(Math.fround(bound) - Math.fround(-bound))];
      return [name, Float32Array.from({ length: size }, () => ((next() & 0xffffff) / 2 ** 24) * width + from)];
    }),
  );
}

/** MT19937: 32-bit numbers of a seed. */
function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) {
    const before = state[i - 1] ?? 0;
    state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
  }
  let position = 624;
  return () => {
    if (position === 624) {
      for (let i = 0; i < 624; i++) {
        const y = ((state[i] ?? 0) & 0x80000000) | ((state[(i + 1) % 624] ?? 0) & 0x7fffffff);
        state[i] = (state[(i + 397) % 624] ?? 0) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      position = 0;
    }
    let y = state[position++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}
