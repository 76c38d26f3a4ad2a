import { Expressions } from '../plan/expression.ts';
import type { KernelText } from '../plan/kernel.ts';
import { type Index, runNumber, type Surroundings, Template } from '../plan/template.ts';
import type { Value } from '../plan/value.ts';
import { bytesOf } from './finish.ts';

const lanes = 64;
/** Elements of one thread. */
const each = 16;

/** Raises the flag `value`, a word that then holds the number of this run, if an element of `condition` is true. */
export function anyText(value: Value, condition: Value, around: Surroundings): KernelText {
  const template = new Template(around);
  const index: Index = { text: 'i', offset: 0 };
  const flag = template.slot(value, 0, false);
  template.shared.add(flag);
  const expressions = new Expressions(template, index, false, new Set());
  const truth = expressions.condition(condition, index);
  const text = `fn holds(i: u32) -> bool {
  ${[...expressions.lines, `return ${truth};`].join('\n  ')}
}
fn work(m: u32, group: u32, lane: u32) {
  var raised = false;
  for (var e = 0u; e < ${each}u; e++) {
    let i = group * ${each * lanes}u + e * ${lanes}u + lane;
    if (i < count && holds(i)) { raised = true; }
  }
  if (raised) { S${flag}(0u, ${template.host(runNumber)}); }
}`;
  return {
    template,
    text,
    workgroupSize: lanes,
    workgroups: Math.ceil(condition.size / (each * lanes)),
    count: condition.size,
    bytes: bytesOf(template),
    barriers: false,
  };
}
