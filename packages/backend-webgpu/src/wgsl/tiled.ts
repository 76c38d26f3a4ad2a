import { type Shape, size } from '@opt/core';
import type { KernelText, Root } from '../plan/kernel.ts';
import type { Template } from '../plan/template.ts';
import type { Value } from '../plan/value.ts';
import { bytesOf, finishText } from './finish.ts';
import { walk } from './reduce.ts';
import { tileStorage } from './tile-storage.ts';

/** A factor in memory, in elements: where it starts, and its strides. */
export interface Factor {
  readonly holder: Value;
  readonly offset: number;
  readonly batch: readonly number[];
  readonly outer: number;
  readonly inner: number;
}

export interface Geometry {
  readonly m: number;
  readonly n: number;
  readonly inner: number;
  readonly batch: Shape;
  /** Pieces the inner axis is cut into; piece s of the result is the s-th of its slices. */
  readonly slices: number;
  readonly a: Factor;
  readonly b: Factor;
}

/** Steps along the inner axis that are in workgroup memory at a time. */
const depth = 16;

/**
 * Tiles of the result, one workgroup each: both factors go through workgroup memory in fours, every thread keeps 4×4 results in
 * registers. Where quads may exchange numbers, each of four neighbours, whose rows are the same, reads every fourth column of the left
 * tile and hands it around: the same numbers are added in the same order. Of a symmetric result only tiles on and above the diagonal are
 * computed; the mirrored element is written with the same number.
 */
export function tiledText(template: Template, geometry: Geometry, value: Value, roots: readonly Root[]): KernelText {
  const { m, n, inner, batch, slices, a, b } = geometry;
  const { quads, tiles } = template.around.abilities;
  const finish = finishText(template, { kind: 'product', value }, roots);
  const tile = Math.min(m, n) >= 128 ? 64 : 32;
  const across = tile / 4;
  const lanes = across * across;
  const { symmetric } = value;
  const [tilesM, tilesN] = [Math.ceil(m / tile), Math.ceil(n / tile)];
  const batches = size(batch);
  const slice = Math.ceil(inner / slices / depth) * depth;
  const [slotA, slotB] = [template.slot(a.holder, a.offset, false), template.slot(b.holder, b.offset, false)];
  // Loops with barriers need bounds that are the same for a whole workgroup as far as a compiler can see: these are read as functions.
  const uniform = (number: number): string => `${template.word(number).replace('w', 'W')}(m)`;
  const start = (factor: Factor): string => (batches > 1 ? walk('z', batch, factor.batch, template) : '0u');
  const parts = [0, 1, 2, 3];
  /** Fours of a tile that one invocation loads. */
  const fours = Array.from({ length: (across * depth) / lanes }, (_, i) => i);
  const load = (name: string, slot: number, factor: Factor, first: string, limit: string): string => {
    const along = factor.inner === 1;
    return fours
      .map((i) => {
        const [e, at, from] = [`e${name}${i}`, `at${name}${i}`, `from${name}${i}`];
        const [k, x] = along ? [`${e} % ${depth}u`, `${e} / ${depth}u`] : [`${e} / ${across}u`, `${e} % ${across}u`];
        return `let ${e} = lane + ${i * lanes}u;
    let ${at} = vec2<u32>(${k}, ${x});
    let ${from} = start${name} + (${first} + 4u * ${at}.y) * outer${name} + (r + ${at}.x) * inner${name};
    var four${name}${i} = vec4<f32>();
    if (r + ${at}.x < end) {
      ${parts.map((p) => `if (${first} + 4u * ${at}.y + ${p}u < ${limit}) { four${name}${i}[${p}] = L${slot}(${from} + ${p}u * outer${name}); }`).join('\n      ')}
    }`;
      })
      .join('\n    ');
  };
  const storage = tileStorage(template, tiles, across * depth);
  const read = (name: string, k: string, x: string): string => storage.get(`tile${name}[(${k}) * ${across}u + ${x}]`);
  const add = (left: string): string => parts.map((i) => `${storage.sums}${i} += ${left}[${i}] * right;`).join(' ');
  const multiply = quads
    ? `for (var k = 0u; k < ${depth}u; k += 4u) {
      let own = ${read('A', 'k + (lane & 3u)', 'y')};
      ${parts.map((j) => `{ let left = quadBroadcast(own, ${j}u); let right = ${read('B', `k + ${j}u`, 'x')}; ${add('left')} }`).join('\n      ')}
    }`
    : `for (var k = 0u; k < ${depth}u; k++) {
      let left = ${read('A', 'k', 'y')};
      let right = ${read('B', 'k', 'x')};
      ${add('left')}
    }`;
  if (quads) template.enables.add('subgroups');
  const text = `${finish}
${storage.declarations}
fn work(m: u32, group: u32, lane: u32) {
  let tilesN = ${uniform(tilesN)};
  let tilesM = ${uniform(tilesM)};
  let tileColumn = group % tilesN;
  let tileRow = (group / tilesN) % tilesM;
  let layer = group / (tilesN * tilesM);
  if (layer >= ${uniform(batches * slices)}) { return; }
  ${symmetric ? 'if (tileRow > tileColumn) { return; }' : ''}
  let z = layer % ${uniform(batches)};
  let begin = (layer / ${uniform(batches)}) * ${uniform(slice)};
  let end = min(${uniform(inner)}, begin + ${uniform(slice)});
  let height = ${template.word(m)};
  let width = ${template.word(n)};
  let startA = ${start(a)};
  let startB = ${start(b)};
  let outerA = ${template.word(a.outer)};
  let outerB = ${template.word(b.outer)};
  let innerA = ${template.word(a.inner)};
  let innerB = ${template.word(b.inner)};
  let row = tileRow * ${tile}u;
  let column = tileColumn * ${tile}u;
  let y = lane / ${across}u;
  let x = lane % ${across}u;
  ${parts.map((i) => `var c${i} = vec4<f32>();`).join(' ')}
  for (var r = begin; r < end; r += ${depth}u) {
    ${load('A', slotA, a, 'row', 'height')}
    ${load('B', slotB, b, 'column', 'width')}
    ${storage.before(fours)}
    ${fours.flatMap((i) => ['A', 'B'].map((name) => `tile${name}[at${name}${i}.x * ${across}u + at${name}${i}.y] = ${storage.put(name, i)};`)).join('\n    ')}
    workgroupBarrier();
    ${multiply}
    ${storage.after}
    workgroupBarrier();
  }
  let base = layer * height * width;
  // One place in the text computes and writes an element, so that it is compiled once.
  for (var e = 0u; e < ${symmetric ? 32 : 16}u; e++) {
    let i = (e >> 2u) & 3u;
    let line = select(select(c0, c1, i == 1u), select(c2, c3, i == 3u), i >= 2u);
    let atRow = row + 4u * y + i;
    let atColumn = column + 4u * x + (e & 3u);
    if (atRow < height && atColumn < width${symmetric ? ' && (atRow < atColumn || (atRow == atColumn && e < 16u))' : ''}) {
      let at = ${symmetric ? 'select(atRow * width + atColumn, atColumn * width + atRow, e >= 16u)' : 'atRow * width + atColumn'};
      finish(base + at, line[e & 3u]);
    }
  }
}`;
  return {
    template,
    text,
    workgroupSize: lanes,
    workgroups: tilesM * tilesN * batches * slices,
    count: m * n * batches * slices,
    bytes: bytesOf(template),
    barriers: true,
  };
}
