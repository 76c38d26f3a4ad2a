import { size } from '@opt/core';
import type { KernelText, Root } from '../plan/kernel.ts';
import { type Surroundings, Template } from '../plan/template.ts';
import { operand, type Value } from '../plan/value.ts';
import { type View, viewOf } from '../plan/view.ts';
import { type Terms, termsText, walk } from './reduce.ts';
import { type Factor, type Geometry, tiledText } from './tiled.ts';

/** A matrix product with what is computed from its results, element by element. */
export function productText(value: Value, roots: readonly Root[], around: Surroundings): KernelText | undefined {
  const { operation } = value;
  if (operation.op !== 'product') return undefined;
  const [a, b] = [viewOf(operand(value, 0), around.stored), viewOf(operand(value, 1), around.stored)];
  if (a === undefined) around.request(operand(value, 0));
  if (b === undefined) around.request(operand(value, 1));
  if (a === undefined || b === undefined) return undefined;
  const shape = operation.slices > 1 ? value.shape.slice(1) : value.shape;
  const [m = 1, n = 1] = shape.slice(-2);
  const inner = operand(value, 0).shape.at(operation.transposeA ? -2 : -1) ?? 1;
  const [left, right] = [factorOf(a, operation.transposeA), factorOf(b, !operation.transposeB)];
  const geometry: Geometry = {
    m,
    n,
    inner,
    batch: shape.slice(0, -2),
    slices: operation.slices,
    a: { ...left, batch: batchSteps(operand(value, 0), left.batch, shape.length - 2) },
    b: { ...right, batch: batchSteps(operand(value, 1), right.batch, shape.length - 2) },
  };
  const template = new Template(around);
  if (around.alone !== true && m >= 24 && n >= 24 && inner >= 16) return tiledText(template, geometry, value, roots);
  return termsText(template, termsOf(template, geometry), value, roots);
}

/** The strides of a factor: `outer` of the axis that stays, `inner` of the one summed over. `swapped`: the first of its two axes is summed over. */
function factorOf({ holder, offset, steps }: View, swapped: boolean): Factor {
  const [rows = 0, columns = 0] = steps.slice(-2);
  return { holder, offset, batch: steps.slice(0, -2), outer: swapped ? columns : rows, inner: swapped ? rows : columns };
}

/** Strides of the batch axes, broadcast to their common shape. */
function batchSteps({ shape }: Value, steps: readonly number[], rank: number): readonly number[] {
  const extra = rank - steps.length;
  return Array.from({ length: rank }, (_, i) => (i < extra || shape[i - extra] === 1 ? 0 : (steps[i - extra] ?? 0)));
}

function termsOf(template: Template, { m, n, inner, batch, slices, a, b }: Geometry): Terms {
  const start = (factor: Factor, at: string): string => {
    const batches = size(batch) > 1 ? `${walk('z', batch, factor.batch, template)} + ` : '';
    return `${batches}${at} * ${template.word(factor.outer)}`;
  };
  const [slotA, slotB] = [template.slot(a.holder, a.offset, false), template.slot(b.holder, b.offset, false)];
  const [columns, rows] = [template.word(n), template.word(m)];
  return {
    kind: 'sum',
    length: inner,
    slices,
    results: m * n * size(batch),
    order: 'slices first',
    before: [
      `let column = o % ${columns};`,
      `let line = o / ${columns};`,
      ...(size(batch) > 1 ? [`let row = line % ${rows};`, `let z = line / ${rows};`] : ['let row = line;']),
      `let startA = ${start(a, 'row')};`,
      `let startB = ${start(b, 'column')};`,
      `let stepA = ${template.word(a.inner)};`,
      `let stepB = ${template.word(b.inner)};`,
    ],
    each: [],
    term: `L${slotA}(startA + r * stepA) * L${slotB}(startB + r * stepB)`,
  };
}
