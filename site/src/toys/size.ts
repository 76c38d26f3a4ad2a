/** Pairs of the memory, which is also the length of keys and values, and steps. */
export const [pairs, steps] = [64, 60] as const;
