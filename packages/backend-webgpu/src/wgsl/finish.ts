import { type CoreValue, Expressions } from '../plan/expression.ts';
import type { Core, Root } from '../plan/kernel.ts';
import { type Index, origin, type Template } from '../plan/template.ts';
import type { Value } from '../plan/value.ts';

/** The function that computes and writes every root at element `i`, given what the core computed for it. */
export function finishText(template: Template, core: Core, roots: readonly Root[]): string {
  const own: ReadonlySet<Value> = new Set(roots.flatMap(({ source, into }) => (source === into ? [into] : [])));
  const size = core.kind === 'map' ? (roots[0]?.source.size ?? 1) : core.value.size;
  const identity: Index = size === 1 ? origin : { text: 'i', offset: 0 };
  const coreValue: CoreValue | undefined = core.kind === 'map' ? undefined : { value: core.value, name: 'result' };
  const expressions = new Expressions(template, identity, true, own, coreValue);
  // Every root is computed before the first is written: one may write where another reads.
  const stores = roots.map(({ source, into, placing }) => {
    const text = expressions.value(source, identity, source === into);
    if (placing === undefined) return `S${template.slot(into, 0, true)}(${identity.text}, ${text});`;
    if (placing.kind === 'part') {
      const { offset, run, step } = placing;
      const at = run === step ? identity.text : `(${identity.text} / ${run}u) * ${step}u + ${identity.text} % ${run}u`;
      return `S${template.slot(into, offset, false)}(${at}, ${text});`;
    }
    const row = template.call('nearest', expressions.value(placing.index, origin), `${placing.rows}u`);
    return `S${template.slot(into, 0, false)}(${row} * ${source.size}u + ${identity.text}, ${text});`;
  });
  return `fn finish(i: u32, result: f32) {\n  ${[...expressions.lines, ...stores].join('\n  ')}\n}`;
}

/** Bytes of the slots; no more than `most` elements of each. */
export const bytesOf = ({ slots }: Template, most: number = Number.POSITIVE_INFINITY): number =>
  slots.reduce((sum, { value }) => sum + 4 * Math.min(value.size, most), 0);
