import { strides } from '@opt/core';
import type { KernelText } from '../plan/kernel.ts';
import { type Surroundings, Template } from '../plan/template.ts';
import { operand, type Value } from '../plan/value.ts';
import { viewOf } from '../plan/view.ts';
import { bytesOf } from './finish.ts';

const lanes = 64;

/**
 * Ascending and stable: every element counts those that come before it. Numbers are compared as whole ones of the same order, in
 * which 0 and −0 are one and NaN comes last.
 */
export function argsortText(value: Value, around: Surroundings): KernelText | undefined {
  const source = operand(value, 0);
  const view = viewOf(source, around.stored);
  if (view === undefined || view.steps.some((step, axis) => source.shape[axis] !== 1 && step !== strides(source.shape)[axis])) {
    around.request(source);
    return undefined;
  }
  const template = new Template(around);
  const [into, from] = [template.slot(value, 0, false), template.slot(view.holder, view.offset, false)];
  const length = template.word(value.shape.at(-1) ?? 1);
  const text = `fn ordered(x: f32) -> u32 {
  let b = bitcast<u32>(x);
  if ((b & 0x7fffffffu) == 0u) { return 0x80000000u; }
  return select(b | 0x80000000u, ~b, (b >> 31u) == 1u && (b & 0x7fffffffu) <= 0x7f800000u);
}
fn work(m: u32, group: u32, lane: u32) {
  let i = group * ${lanes}u + lane;
  if (i >= count) { return; }
  let row = (i / ${length}) * ${length};
  let own = ordered(L${from}(i));
  var before = 0u;
  for (var j = row; j < row + ${length}; j++) {
    let other = ordered(L${from}(j));
    if (other < own || (other == own && j < i)) { before++; }
  }
  S${into}(row + before, f32(i - row));
}`;
  return {
    template,
    text,
    workgroupSize: lanes,
    workgroups: Math.ceil(value.size / lanes),
    count: value.size,
    bytes: bytesOf(template),
    barriers: false,
  };
}
