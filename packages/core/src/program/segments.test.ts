import { expect, it } from 'vitest';
import { during, Tracing } from '../trace/graph.ts';
import type { Tensor } from '../trace/tensor.ts';
import { finishProgram, inputTensor, type TracedOutput } from '../trace/trace.ts';
import { printProgram } from './print.ts';
import type { Program } from './program.ts';
import { type Cut, isCarriedKey, segments } from './segments.ts';

const n = 8;

/** A program of inputs x and one answer per question, given as functions of what is there. */
function traced(f: (x: Tensor, answer: (key: string) => Tensor) => readonly TracedOutput[]): Program {
  const tracing = new Tracing();
  return during(tracing, () => {
    const input = (key: string): Tensor => inputTensor(tracing.graph, key, [n], 'working');
    return finishProgram('step', tracing, f(input('x'), input));
  });
}

const cut = (i: number): Cut => ({ asks: [`ask ${i}`], answers: [`answer ${i}`] });
const keysOf = (program: Program, side: 'inputs' | 'outputs'): string[] => program[side].map(({ key }) => key);

it('asks together what is known together, and writes everything else last', () => {
  const program = traced((x, answer) => [
    { key: 'x', value: x.sub(answer('answer 0')).sub(answer('answer 1')).sub(answer('answer 2')), donates: 'x' },
    { key: 'ask 0', value: x.mul(2) },
    { key: 'ask 1', value: x.mul(3) },
    { key: 'ask 2', value: answer('answer 0').mul(4) },
  ]);
  const { before, last } = segments(program, [cut(0), cut(1), cut(2)]) ?? { before: [], last: program };
  expect(before.map(({ cuts }) => cuts)).toEqual([[0, 1], [2]]);
  expect(before.map((segment) => keysOf(segment.program, 'outputs'))).toEqual([['ask 0', 'ask 1'], ['ask 2']]);
  expect(before.map((segment) => keysOf(segment.program, 'inputs'))).toEqual([['x'], ['answer 0']]);
  expect(keysOf(last, 'outputs')).toEqual(['x']);
  expect(last.outputs[0]?.donates).toBe('x');
  expect(last.name).toBe('step');
});

it('carries what is dear, computes again what is cheap, and reads a question where it lies', () => {
  const program = traced((x, answer) => {
    const [total, shift] = [x.square().sum(), x.mul(2)];
    const wide = x.add(answer('a')).mul(answer('b'));
    return [
      { key: 'x', value: answer('answer 0').add(shift).add(x.add(3).mul(total)).add(wide), donates: 'x' },
      { key: 'ask 0', value: shift.add(x.add(3)).mul(total).mul(wide) },
    ];
  });
  const { before, last } = segments(program, [cut(0)]) ?? { before: [], last: program };
  const carried = before.flatMap((segment) => keysOf(segment.program, 'outputs')).filter(isCarriedKey);
  // The sum, and what reads three tensors; x·2 and x + 3 read one.
  expect(carried).toEqual([`carried[${n}]working:0`, 'carried[]working:0']);
  expect(keysOf(last, 'inputs').sort()).toEqual([...carried, 'answer 0', 'x'].sort());
  expect(printProgram(last)).not.toContain('sum');

  const asked = traced((x, answer) => [
    { key: 'y', value: answer('answer 0').mul(answer('a').add(answer('b')).add(x)) },
    { key: 'ask 0', value: answer('a').add(answer('b')).add(x) },
  ]);
  expect(keysOf(segments(asked, [cut(0)])?.last ?? asked, 'inputs').sort()).toEqual(['answer 0', 'ask 0']);
});

it('is the whole program where nothing is asked, and nothing where a question is made of its own answer', () => {
  const program = traced((x) => [{ key: 'x', value: x.mul(2), donates: 'x' }]);
  expect(segments(program, [])).toEqual({ before: [], last: program });
  const circular = traced((x, answer) => [{ key: 'ask 0', value: x.add(answer('answer 0')) }]);
  expect(segments(circular, [cut(0)])).toBeUndefined();
});
