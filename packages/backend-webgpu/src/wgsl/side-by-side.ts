import type { KernelText } from '../plan/kernel.ts';
import { Template } from '../plan/template.ts';
import { append, renamed } from './renamed.ts';

/** Two texts as one, of which a member runs the first or the second: `chosen`, whose numbers are those of the result. */
export function sideBySide(pair: readonly [KernelText, KernelText], chosen: 0 | 1): KernelText {
  const own = pair[chosen];
  const template = new Template(own.template.around);
  const choice = template.word(chosen);
  const texts = pair.map((one, k) => {
    const text = renamed(one.text, k, template);
    append(template, one.template);
    return text;
  });
  const text = `${texts.join('\n')}
fn work(m: u32, group: u32, lane: u32) {
  if (${choice} == 0u) { work0(m, group, lane); } else { work1(m, group, lane); }
}`;
  return { ...own, template, text };
}
