import { broadcastStrides, type Shape, strides } from '@opt/core';
import { operand, type Value } from './value.ts';

/** Where the elements of a value lie inside of another one's memory: offset and stride of every axis, in elements. */
export interface View {
  readonly holder: Value;
  readonly offset: number;
  readonly steps: readonly number[];
}

/** The value as a view of memory; undefined where it has to be computed, or is no regular walk. */
export function viewOf(value: Value, stored: (value: Value) => boolean): View | undefined {
  if (stored(value)) return { holder: value, offset: 0, steps: strides(value.shape) };
  const { operation } = value;
  const source = value.inputs[0];
  if (source === undefined || !viewing.has(operation.op)) return undefined;
  if (operation.op === 'row' && operand(value, 1).operation.op !== 'literal') return undefined;
  const inner = viewOf(source, stored);
  if (inner === undefined) return undefined;
  const { holder, offset, steps } = inner;
  switch (operation.op) {
    case 'reshape': {
      const next = restepped(source.shape, steps, value.shape);
      return next && { holder, offset, steps: next };
    }
    case 'transpose':
      return { holder, offset, steps: operation.permutation.map((axis) => steps[axis] ?? 0) };
    case 'slice':
      return { holder, offset: operation.starts.reduce((sum, start, axis) => sum + start * (steps[axis] ?? 0), offset), steps };
    case 'broadcastTo': {
      const extra = value.shape.length - source.shape.length;
      return {
        holder,
        offset,
        steps: value.shape.map((_, i) => (i < extra || source.shape[i - extra] === 1 ? 0 : (steps[i - extra] ?? 0))),
      };
    }
    case 'row':
      return { holder, offset: offset + literalRow(value) * (steps[0] ?? 0), steps: steps.slice(1) };
    default:
      return undefined;
  }
}

const viewing: ReadonlySet<string> = new Set(['reshape', 'transpose', 'slice', 'broadcastTo', 'row']);

/** The constant index of a row, brought to the nearest row there is. */
export function literalRow(value: Value): number {
  const index = operand(value, 1).operation;
  const at = index.op === 'literal' && !Number.isNaN(index.value) ? Math.trunc(index.value) : 0;
  return Math.min(Math.max(at, 0), (operand(value, 0).shape[0] ?? 1) - 1);
}

/** Strides of the same memory under another shape; undefined where there are none. */
function restepped(shape: Shape, steps: readonly number[], to: Shape): readonly number[] | undefined {
  const runs = joined(shape, steps);
  const result = new Array<number>(to.length).fill(0);
  let run = runs.length - 1;
  let left = runs[run]?.length ?? 1;
  let step = runs[run]?.step ?? 1;
  for (let axis = to.length - 1; axis >= 0; axis--) {
    const n = to[axis] ?? 1;
    if (n === 1) continue;
    if (left === 1) {
      run--;
      left = runs[run]?.length ?? 1;
      step = runs[run]?.step ?? 1;
    }
    if (left % n !== 0) return undefined;
    result[axis] = step;
    step *= n;
    left /= n;
  }
  return result;
}

/** Axes longer than 1, neighbours joined that are walked as one. */
function joined(shape: Shape, steps: readonly number[]): { length: number; step: number }[] {
  const runs: { length: number; step: number }[] = [];
  shape.forEach((length, i) => {
    const step = steps[i] ?? 0;
    const last = runs.at(-1);
    if (length === 1) return;
    if (last !== undefined && last.step === step * length) runs[runs.length - 1] = { length: last.length * length, step };
    else runs.push({ length, step });
  });
  return runs;
}

/** Strides with which an operand of an elementwise value, or of a broadcast, is read. */
export const operandSteps = (input: Value, value: Value): readonly number[] => broadcastStrides(input.shape, value.shape);
