import type { Value } from './value.ts';

/** Operations a step of the computation stands for, where it is not one. */
const costs: Readonly<Partial<Record<string, number>>> = {
  literal: 0,
  host: 0,
  iota: 0,
  reshape: 0,
  slice: 0,
  broadcastTo: 0,
  transpose: 0,
  row: 0,
  div: 3,
  sqrt: 3,
  exp: 10,
  log: 10,
  expm1: 10,
  sin: 10,
  cos: 10,
  pow: 20,
  random: 60,
};

/** Operations it takes to compute an element of a value from memory; reading a tensor counts as a few. */
export function effortOf(value: Value, stored: (value: Value) => boolean): number {
  const seen = new Set<Value>();
  const visit = (at: Value): number => {
    if (seen.has(at)) return 0;
    seen.add(at);
    if (at !== value && stored(at)) return at.size > 1 ? 3 : 0;
    return at.inputs.reduce((sum, input) => sum + visit(input), costs[at.operation.op] ?? 1);
  };
  return visit(value);
}
