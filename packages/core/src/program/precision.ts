/** What numbers a precision holds. */
export interface Precision {
  readonly name: 'f32' | 'f64';
  /** Machine epsilon: what a tolerance is a multiple of. */
  readonly epsilon: number;
  /** The largest finite number. */
  readonly largest: number;
  /** The smallest positive number of full precision. Below it lie the denormals, which some devices take for 0. */
  readonly smallest: number;
}

export const precisions: Readonly<Record<Precision['name'], Precision>> = {
  f32: { name: 'f32', epsilon: 2 ** -23, largest: (2 - 2 ** -23) * 2 ** 127, smallest: 2 ** -126 },
  f64: { name: 'f64', epsilon: 2 ** -52, largest: Number.MAX_VALUE, smallest: 2 ** -1022 },
};
