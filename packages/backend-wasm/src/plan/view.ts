import { axesOf, type Shape, strides } from '@opt/core';

/** How a loop nest walks over a value: its linear index as a function of the loop counters. */
export interface View {
  readonly offset: number;
  /** By loop, in elements. */
  readonly steps: readonly number[];
}

/** A loop that must become two before a walk can be expressed. */
export interface Split {
  readonly loop: number;
  readonly inner: number;
}

export const identityView = (loops: readonly number[]): View => ({ offset: 0, steps: strides(loops) });

export const fixed = (view: View): boolean => view.steps.every((step) => step === 0);

export const viewKey = (view: View): string => `${view.offset}:${view.steps}`;

export const isSplit = (result: View | Split): result is Split => 'loop' in result;

/**
 * The walk over a value of `shape` as a walk over another one, in which axis i has stride `targets[i]`. A loop that runs across an
 * axis border where the two differ has to be split; undefined where no split helps.
 */
export function remap(view: View, loops: readonly number[], shape: Shape, targets: readonly number[]): View | Split | undefined {
  const axes = axesOf(shape, targets);
  let [offset, rest] = [0, view.offset];
  const starts: number[] = [];
  for (const { from, to } of axes) {
    const at = Math.floor(rest / from);
    rest -= at * from;
    starts.push(at);
    offset += at * to;
  }
  const steps: number[] = [];
  for (const [loop, step] of view.steps.entries()) {
    const count = loops[loop] ?? 1;
    if (step === 0 || count === 1) {
      steps.push(0);
      continue;
    }
    const i = axes.findIndex(({ from, length }) => from <= step && step < from * length);
    const axis = axes[i];
    if (axis === undefined || step % axis.from !== 0) return undefined;
    const stride = step / axis.from;
    const start = starts[i] ?? 0;
    if (start + stride * (count - 1) < axis.length) {
      steps.push(stride * axis.to);
      continue;
    }
    const inner = axis.length / stride;
    if (start >= stride || !Number.isInteger(inner) || count % inner !== 0) return undefined;
    return { loop, inner };
  }
  return { offset, steps };
}

/** Loops joined wherever every walk goes on from one to the next. */
export function joinable(loops: readonly number[], views: Iterable<View>): boolean[] {
  const joined = loops.map((_, loop) => loop > 0);
  for (const { steps } of views) {
    for (let loop = 1; loop < loops.length; loop++) {
      if ((steps[loop - 1] ?? 0) !== (steps[loop] ?? 0) * (loops[loop] ?? 1)) joined[loop] = false;
    }
  }
  return joined;
}
