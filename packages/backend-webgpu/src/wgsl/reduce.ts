import { axesOf, type Shape, size, strides } from '@opt/core';
import { Expressions } from '../plan/expression.ts';
import type { KernelText, Root } from '../plan/kernel.ts';
import { literal, type Surroundings, Template } from '../plan/template.ts';
import { operand, type Value } from '../plan/value.ts';
import { bytesOf, finishText } from './finish.ts';

/** A sum, or a maximum, of terms: how many, in how many slices, and the text of term `r` of result `o`. */
export interface Terms {
  readonly kind: 'sum' | 'maximum';
  readonly length: number;
  readonly slices: number;
  readonly results: number;
  /** Whether slice s of result o goes to o·slices + s, or to s·results + o. */
  readonly order: 'results first' | 'slices first';
  /** Statements before the terms of a result, those of every term, and the term. */
  readonly before: readonly string[];
  readonly each: readonly string[];
  readonly term: string;
}

const lanes = 128;

/** A reduction with what is computed from its results, element by element. */
export function reduceText(value: Value, roots: readonly Root[], around: Surroundings): KernelText {
  const template = new Template(around);
  return termsText(template, reductionOf(value, template), value, roots);
}

/** One thread per result where terms are few, one workgroup otherwise. */
export function termsText(template: Template, terms: Terms, value: Value, roots: readonly Root[]): KernelText {
  const finish = finishText(template, { kind: 'reduce', value }, roots);
  const first = terms.kind === 'sum' ? '0f' : literal(template, Number.NEGATIVE_INFINITY);
  const join = (a: string, b: string): string => (terms.kind === 'sum' ? `${a} + ${b}` : `max(${a}, ${b})`);
  const count = terms.results * terms.slices;
  const length = template.word(terms.length);
  const slice = Math.ceil(terms.length / terms.slices);
  const sliced = terms.slices > 1;
  const split = !sliced
    ? ['let o = k;', 'let begin = 0u;', `let end = ${length};`]
    : [
        terms.order === 'results first' ? `let o = k / ${template.word(terms.slices)};` : `let o = k % ${template.word(terms.results)};`,
        `let s = k ${terms.order === 'results first' ? `% ${template.word(terms.slices)}` : `/ ${template.word(terms.results)}`};`,
        `let begin = s * ${template.word(slice)};`,
        `let end = min(${length}, begin + ${template.word(slice)});`,
      ];
  const gather = (start: string, step: string): string => `${[...split, ...terms.before].join('\n    ')}
    for (var r = ${start}; r < end; r += ${step}) {
      ${terms.each.join('\n      ')}
      total = ${join('total', terms.term)};
    }`;
  if (template.around.alone === true || slice <= 48 || (count >= 4096 && slice <= 1024)) {
    const text = `${finish}
fn work(m: u32, group: u32, lane: u32) {
  let k = group * 64u + lane;
  if (k < count) {
    var total = ${first};
    ${gather('begin', '1u')}
    finish(k, total);
  }
}`;
    return { template, text, workgroupSize: 64, workgroups: Math.ceil(count / 64), count, bytes: bytesOf(template), barriers: false };
  }
  const { subgroups } = template.around.abilities;
  if (subgroups) template.enables.add('subgroups');
  const together = subgroups
    ? `total = ${terms.kind === 'sum' ? 'subgroupAdd' : 'subgroupMax'}(total);
  if (subgroupElect()) { totals[lane / subgroupSize] = total; }
  workgroupBarrier();
  for (var s = 0u; s * subgroupSize < ${lanes}u; s++) { total = select(${join('total', 'totals[s]')}, totals[0], s == 0u); }`
    : `totals[lane] = total;
  workgroupBarrier();
  for (var half = ${lanes / 2}u; half > 0u; half >>= 1u) {
    if (lane < half) { totals[lane] = ${join('totals[lane]', 'totals[lane + half]')}; }
    workgroupBarrier();
  }
  total = totals[0];`;
  const text = `${finish}
var<workgroup> totals: array<f32, ${lanes}>;
fn work(m: u32, group: u32, lane: u32) {
  let k = group;
  var total = ${first};
  if (k < count) {
    ${gather('begin + lane', `${lanes}u`)}
  }
  ${together}
  if (lane == 0u && k < count) { finish(k, total); }
}`;
  return { template, text, workgroupSize: lanes, workgroups: count, count, bytes: bytesOf(template), barriers: true };
}

function reductionOf(value: Value, template: Template): Terms {
  const { operation } = value;
  const source = operand(value, 0);
  const partial = operation.op === 'partial';
  const axes = partial || operation.op === 'sum' || operation.op === 'maximum' ? operation.axes : [];
  const kind = partial ? operation.kind : operation.op === 'maximum' ? 'maximum' : 'sum';
  const slices = partial ? operation.slices : 1;
  const results = value.size / slices;
  const length = source.size / Math.max(1, results);
  const before: string[] = [];
  const each: string[] = [`let x = ${positions(source.shape, axes, template, before)};`];
  const expressions = new Expressions(template, { text: 'x', offset: 0 }, false, new Set());
  const term = expressions.value(source, { text: 'x', offset: 0 });
  return { kind, length, slices, results, order: 'results first', before, each: [...each, ...expressions.lines], term };
}

/** The position of term `r` of result `o`. */
function positions(shape: Shape, axes: readonly number[], template: Template, before: string[]): string {
  const own = strides(shape);
  const part = (reduced: boolean): { shape: number[]; steps: number[] } => {
    const chosen = shape.map((_, axis) => axis).filter((axis) => axes.includes(axis) === reduced);
    return { shape: chosen.map((axis) => shape[axis] ?? 1), steps: chosen.map((axis) => own[axis] ?? 0) };
  };
  const [kept, gone] = [part(false), part(true)];
  if (size(kept.shape) > 1) before.push(`let start = ${walk('o', kept.shape, kept.steps, template)};`);
  const inner = walk('r', gone.shape, gone.steps, template);
  return size(kept.shape) > 1 ? `start + ${inner}` : inner;
}

/** Element `text` of a walk over `shape`, with other strides. */
export function walk(text: string, shape: Shape, steps: readonly number[], template: Template): string {
  const axes = axesOf(shape, steps);
  if (axes.length === 0) return '0u';
  const terms = axes.flatMap(({ length, from, to }, i) => {
    if (to === 0) return [];
    const divided = from === 1 ? text : `${text} / ${template.word(from)}`;
    const coordinate = i === 0 ? divided : `(${divided}) % ${template.word(length)}`;
    return [to === 1 ? `(${coordinate})` : `(${coordinate}) * ${template.word(to)}`];
  });
  return terms.length === 0 ? '0u' : terms.join(' + ');
}
