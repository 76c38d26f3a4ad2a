/** Something that is computed from others. */
interface Computed<Self> {
  readonly inputs: readonly Self[];
}

/** What `wanted` depends on, and `wanted` itself; `list` has operands before results. */
export function dependencies<Value extends Computed<Value>>(list: readonly Value[], wanted: Iterable<Value>): ReadonlySet<Value> {
  const result = new Set<Value>(wanted);
  for (const value of [...list].reverse()) if (result.has(value)) for (const input of value.inputs) result.add(input);
  return result;
}

/**
 * What several pieces of work would each compute again, where that is no trifle: worth memory of its own. `computed`: what each of them
 * computes on its way. Of a value and its operands only the value is named, since the operands may then be computed once.
 */
export function computedAgain<Value extends Computed<Value>>(
  computed: Iterable<Iterable<Value>>,
  worthStoring: (value: Value) => boolean,
): Value[] {
  const users = new Map<Value, number>();
  for (const values of computed) for (const value of values) users.set(value, (users.get(value) ?? 0) + 1);
  const again = [...users].filter(([value, count]) => count > 1 && worthStoring(value)).map(([value]) => value);
  const inner = new Set(again.flatMap(({ inputs }) => inputs));
  return again.filter((value) => !inner.has(value));
}
