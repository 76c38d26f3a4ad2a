import type { Program } from '../../program/program.ts';
import { isSymmetric, nodeOf, operandOf, sameTensor } from '../../trace/emit.ts';
import { allFinite, where } from '../../trace/functions.ts';
import { type Tensor, tensorOf } from '../../trace/tensor.ts';
import { finishProgram, type TracedOutput } from '../../trace/trace.ts';
import type { Facts } from './facts.ts';
import { skippedKey } from './slot-keys.ts';
import type { StepTrace } from './step-trace.ts';

/** A program whose results are finite if it takes effect, and how that is known. */
export interface Sound {
  readonly program: Program;
  /** The same without checks: what the induction over state is about. */
  readonly bare: Program;
  /** Whether it needs no check. */
  readonly proved: boolean;
}

/**
 * Closes the trace of a step so that it takes effect as a whole or not at all: as it is where its results are proved to be finite
 * and nothing is left for the device to decide; else every result is held back unless all conditions hold and every result that is
 * not proved is finite. What the host is to read of it goes to `trace.verdicts`.
 * What is `measured` is held back like the rest, and may be infinite.
 */
export function soundProgram(
  name: string,
  trace: StepTrace,
  outputs: readonly TracedOutput[],
  facts: Facts,
  measured?: TracedOutput,
): Sound {
  const bare = finishProgram(name, trace.tracing, outputs);
  const unproved = facts.unproved(bare, trace.finite).flatMap((i) => outputs[i] ?? []);
  const checked = unproved.filter(({ donates }) => donates !== undefined);
  const { answers } = trace.evaluations;
  const all = [...outputs, ...(measured === undefined ? [] : [measured]), ...trace.evaluations.outputs()];
  if (checked.length + answers.length + trace.conditions.length === 0)
    return { program: all.length === outputs.length ? bare : finishProgram(name, trace.tracing, all), bare, proved: true };

  return trace.tracing.within('guard', '', () => {
    const before = ({ key, value }: TracedOutput): Tensor => trace.input(key, value.shape, value.dtype, isSymmetric(value));
    const finite = checked.map((output) => allFinite(replaced(output.value, before(output))?.row ?? output.looked ?? output.value));
    for (const { name: owner, question, value } of answers) {
      const passed = allFinite(value);
      trace.conditions.push(passed);
      trace.notice(owner, passed, question);
    }
    if (!trace.layout.deviceDecides) {
      const { otherwise } = trace.layout;
      checked.forEach(({ key }, i) => {
        const passed = finite[i];
        if (passed !== undefined) trace.verdicts.push({ owner: key, passed, otherwise, message: '' });
      });
    }
    const taken = [...trace.conditions, ...finite].reduce((a, b) => a.min(b));
    // A row that is finite stays in its history: the next call, which is this one once more, writes over it before anything reads it,
    // and to put the old one back would take a copy of the whole.
    const stays = (output: TracedOutput): boolean =>
      output.donates === undefined ||
      (!checked.includes(output) && output !== measured && replaced(output.value, before(output)) !== undefined);
    const held = all.map((output) => (stays(output) ? output : { ...output, value: where(taken, output.value, before(output)) }));
    const tallies = [...trace.tallies.keys(), ...(trace.layout.deviceDecides ? [skippedKey] : [])].map((key) => ({
      key,
      value: trace.input(key, [], 'working').add(taken.not()),
      donates: key,
    }));
    return { program: finishProgram(name, trace.tracing, [...held, ...tallies, ...trace.verdictOutput()]), bare, proved: false };
  });
}

/** The one row in which a value is another than before. */
function replaced(value: Tensor, before: Tensor): { readonly index: Tensor; readonly row: Tensor } | undefined {
  const [history, index, row] = nodeOf(value)?.operation.op === 'setRow' ? [0, 1, 2].map((i) => operandOf(value, i)) : [];
  if (history === undefined || index === undefined || row === undefined || !sameTensor(history, before)) return undefined;
  return { index: tensorOf(index), row: tensorOf(row) };
}
