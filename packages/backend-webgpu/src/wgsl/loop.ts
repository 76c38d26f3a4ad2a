import { plain } from '../plan/abilities.ts';
import type { KernelText } from '../plan/kernel.ts';
import { Template } from '../plan/template.ts';
import { append, renamed } from './renamed.ts';

/** Work between two barriers: kernels that do not touch one another. */
export type Phase = readonly KernelText[];

/** Threads of a workgroup; every kernel of such a loop is written for as many. */
export const loopLanes = 64;

/**
 * A whole loop over small tensors in one dispatch of one workgroup, which ends where `until` says so. Slots are those of the kernels,
 * one after the other, then the flag that `until` sets.
 */
export function loopText(times: number, until: readonly Phase[], body: readonly Phase[]): KernelText {
  const template = new Template({ stored: () => true, request: () => {}, effort: () => 0, abilities: plain });
  const functions: string[] = [];
  let bytes = 0;
  const written = (phase: Phase): string => {
    const calls = phase.map((kernel) => {
      const k = functions.length;
      const text = renamed(kernel.text, k, template);
      append(template, kernel.template);
      const count = template.word(kernel.count);
      bytes += kernel.bytes;
      functions.push(text.replace(/\bcount\b/g, count));
      return `for (var g = 0u; g < ${kernel.workgroups}u; g++) { work${k}(m, g, lane); }`;
    });
    return `${calls.join('\n    ')}\n    storageBarrier();`;
  };
  const test = until.map(written);
  const round = body.map(written);
  const leave = `if (lane == 0u) { stopped = select(0u, 1u, ${template.call('nonzero', `L${template.slots.length}(0u)`)}); }
    if (workgroupUniformLoad(&stopped) != 0u) { break; }`;
  const text = `${functions.join('\n')}
${until.length > 0 ? 'var<workgroup> stopped: u32;' : ''}
fn work(m: u32, group: u32, lane: u32) {
  for (var turn = 0u; turn < ${template.word(times).replace('w', 'W')}(m); turn++) {
    ${[...test, ...(until.length > 0 ? [leave] : []), ...round].join('\n    ')}
  }
}`;
  return { template, text, workgroupSize: loopLanes, workgroups: 1, count: 1, bytes: times * bytes, barriers: true };
}
