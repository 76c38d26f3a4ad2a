import type { Shape } from '../program/shape.ts';

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

/** Spreads a word over all its bits (MurmurHash3's finalizer). */
function mixed(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** One of the answers, by weight: fixed by seed, stream and count. */
export function choice<A extends string>(weights: Readonly<Record<A, number>>, seed: number, stream: number, count: number): A {
  const answers = Object.entries<number>(weights);
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
  if (last === undefined) throw new RangeError('choose: there must be something to choose from');
  return last;
}
