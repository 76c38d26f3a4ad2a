/** Twice the smallest normal number of a precision with this machine epsilon. */
export const tiny = (epsilon: number): number => 2 * (epsilon < 1e-12 ? 2.2250738585072014e-308 : 1.1754943508222875e-38);
