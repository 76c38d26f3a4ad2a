import type { Floats } from '../../backend.ts';
import { ObjectiveError } from '../../errors.ts';
import { own } from '../../records.ts';
import type { Shapes } from '../../transform/transform.ts';
import { advice, describe, isPlain } from '../../validation/describe.ts';
import { listed } from '../../validation/names.ts';
import { numbersFrom } from '../../validation/numbers.ts';

/** What an objective answered with a vector of the whole model, by parameters that there are. `what`: the method that was asked. */
export function byParameter(what: string, given: unknown, shapes: Shapes): Readonly<Record<string, unknown>> {
  if (!isPlain(given))
    throw new ObjectiveError(`step: ${what} must give an object of arrays by parameter name, received ${describe(given)}${advice(given)}`);
  for (const name of Object.keys(given)) {
    if (own(shapes, name) === undefined)
      throw new ObjectiveError(`step: ${what} gave '${name}', which belongs to no parameter, known are ${listed(Object.keys(shapes))}`);
  }
  return given;
}

/** A part of such an answer as numbers; a missing one is 0. */
export function numbersOf(what: string, name: string, part: unknown, length: number): Floats {
  if (part === undefined || part === null) return new Float64Array(length);
  return numbersFrom(part, length, (received) => {
    return new ObjectiveError(`step: ${what} must give an array of ${length} numbers for '${name}', received ${received}${advice(part)}`);
  });
}

/** The mean of answers of one or several objectives, by key. */
export class Mean<Native> {
  readonly parts: Map<string, Floats | Native> = new Map();
  private readonly of: number;

  constructor(of: number) {
    this.of = of;
  }

  take(key: string, part: Floats | Native): void {
    if (this.of === 1) {
      this.parts.set(key, part);
      return;
    }
    if (!(part instanceof Float32Array || part instanceof Float64Array))
      throw new ObjectiveError(
        `step: answers to the questions of a window must be arrays, of which a mean is taken, received ${describe(part)}`,
      );
    const known = this.parts.get(key);
    const sum = known instanceof Float64Array ? known : new Float64Array(part.length);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (part[i] ?? 0) / this.of;
    this.parts.set(key, sum);
  }
}
