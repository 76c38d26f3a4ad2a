import type { KernelText, Root } from '../plan/kernel.ts';
import { type Surroundings, Template } from '../plan/template.ts';
import { bytesOf, finishText } from './finish.ts';

const lanes = 64;
/** Elements of one thread. */
const each = 4;

/** Elementwise work: every thread takes a few elements, a workgroup apart so that neighbours read neighbours. */
export function mapText(roots: readonly Root[], around: Surroundings): KernelText {
  const template = new Template(around);
  const finish = finishText(template, { kind: 'map' }, roots);
  const count = roots[0]?.source.size ?? 1;
  const text = `${finish}
fn work(m: u32, group: u32, lane: u32) {
  for (var e = 0u; e < ${each}u; e++) {
    let i = group * ${each * lanes}u + e * ${lanes}u + lane;
    if (i < count) { finish(i, 0f); }
  }
}`;
  return {
    template,
    text,
    workgroupSize: lanes,
    workgroups: Math.ceil(count / (each * lanes)),
    count,
    bytes: bytesOf(template, count),
    barriers: false,
  };
}
