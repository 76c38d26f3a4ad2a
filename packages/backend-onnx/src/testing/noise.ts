/** Numbers in [−1, 1), the same every time. */
export function noise(n: number, seed = 1): Float32Array {
  let state = Math.imul(seed, 2654435761);
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
