import type { Measured } from './measured.ts';
import type { Size } from './sections/size.ts';

/** How many targets were met, and which were not. */
export function tally(measured: readonly Measured[], sizes: readonly Size[]): string {
  const judged = [
    ...measured.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target }))),
    ...sizes.flatMap(({ name, target }) => (target === undefined ? [] : [{ title: name, ...target }])),
  ];
  const of = (verdict: string): typeof judged => judged.filter((one) => one.verdict === verdict);
  const missed = of('missed').map(({ title, says }) => `\n  missed: ${title}: ${says}`);
  return `${of('met').length} targets met, ${missed.length} missed, ${of('not measured').length} not measured${missed.join('')}`;
}
