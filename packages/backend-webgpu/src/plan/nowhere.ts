import { operand, type Value } from './value.ts';

/** Conditions of which a value says that none holds for any element: `undefined` where there is none. */
type Conditions = { readonly condition: Value } | readonly [Conditions, Conditions] | undefined;

/** Keeps which values are 1 − maximum(…) of truth values, or the least of several such: 1 if the conditions hold nowhere, and else 0. */
export class Nowhere {
  readonly #known = new Map<Value, Conditions>();

  note(value: Value): void {
    const { operation, inputs, size } = value;
    const [a, b] = inputs;
    if (size !== 1 || a === undefined || b === undefined || this.#known.has(value)) return;
    if (operation.op === 'sub' && isOne(a)) {
      const condition = reduced(b);
      if (condition !== undefined && isTruth(condition)) this.#known.set(value, { condition });
    }
    if (operation.op === 'min' && this.#says(a) && this.#says(b)) this.#known.set(value, [this.#known.get(a), this.#known.get(b)]);
  }

  /** The conditions of the least of several such values. */
  of(value: Value): readonly Value[] | undefined {
    if (value.operation.op !== 'min' || !this.#known.has(value)) return undefined;
    const conditions = new Set<Value>();
    const visit = [this.#known.get(value)];
    while (visit.length > 0) {
      const next = visit.pop();
      if (next === undefined) continue;
      if ('condition' in next) conditions.add(next.condition);
      else visit.push(next[1], next[0]);
    }
    return [...conditions];
  }

  #says(value: Value): boolean {
    return isOne(value) || this.#known.has(value);
  }
}

export const isOne = ({ operation }: Value): boolean => operation.op === 'literal' && operation.value === 1;

/** Whether every element is 0 or 1. */
const isTruth = (value: Value): boolean =>
  truths.has(value.operation.op) || (value.operation.op === 'sub' && isOne(operand(value, 0)) && isTruth(operand(value, 1)));

const truths: ReadonlySet<string> = new Set(['isFinite', 'lt', 'le', 'eq']);

/** What a single number is the maximum of. */
function reduced(value: Value): Value | undefined {
  if (value.operation.op === 'reshape') return reduced(operand(value, 0));
  if (value.operation.op !== 'maximum') return undefined;
  const source = operand(value, 0);
  return source.operation.op === 'partial' ? operand(source, 0) : source;
}
