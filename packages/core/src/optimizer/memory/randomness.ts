import { ObjectiveError, OptionRangeError } from '../../errors.ts';
import { message } from '../../options/hyper.ts';
import { mixed } from '../../program/narrow.ts';
import type { Shape } from '../../program/shape.ts';
import { numbersFrom } from '../../validation/numbers.ts';

/** Random numbers from outside, by the name of the draw and whose it is; `shape` is [] where a position among choices is asked for. */
export type Draws = (name: string, owner: string, shape: Shape) => ArrayLike<number>;

/** Where the random numbers of an optimizer come from. */
export interface Randomness {
  readonly seed: number;
  readonly draws?: Draws | undefined;
}

/** A 32-bit number for a name (FNV-1a). */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** One of the answers, by weight: fixed by seed, stream and count. */
export function choice<A extends string>(weights: Readonly<Record<A, number>>, seed: number, stream: number, count: number): A {
  const answers = Object.entries<number>(weights);
  const wrong = answers.find(([, weight]) => !(weight >= 0 && weight < Infinity));
  if (wrong !== undefined) throw new OptionRangeError(message('choose', `the weight of '${wrong[0]}'`, 'a finite number >= 0', wrong[1]));
  const total = answers.reduce((sum, [, weight]) => sum + weight, 0);
  let rest = (mixed(hash(`${seed} ${stream} ${count}`)) / 2 ** 32) * total;
  const chosen = answers.findIndex(([, weight]) => {
    rest -= weight;
    return rest < 0;
  });
  return answerAt(weights, chosen);
}

/** The answer at a position; the last one where there is none. */
export function answerAt<A extends string>(weights: Readonly<Record<A, number>>, position: number): A {
  let [last, i]: [A | undefined, number] = [undefined, 0];
  for (const answer in weights) {
    last = answer;
    if (i++ === position) break;
  }
  if (last === undefined) throw new OptionRangeError('choose: there must be something to choose from');
  return last;
}

/** The answer at a position that came from outside. */
export function answerDrawn<A extends string>(name: string, weights: Readonly<Record<A, number>>, drawn: unknown): A {
  const count = Object.keys(weights).length;
  const wanted = `step: draw '${name}' must be one position in 0 … ${count - 1} (${Object.keys(weights).join(', ')})`;
  const [position = -1] = numbersFrom(drawn, 1, (received) => new ObjectiveError(`${wanted}, received ${received}`));
  if (!(Number.isInteger(position) && position >= 0 && position < count)) throw new ObjectiveError(`${wanted}, received ${position}`);
  return answerAt(weights, position);
}
