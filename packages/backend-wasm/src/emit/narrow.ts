import { BackendError, isNarrow, largestCoded, type Narrow, roundingKey, stretchesOf, topDecade } from '@opt/core';
import type { Instance } from '../plan/body.ts';
import { found } from '../plan/found.ts';
import { viewKey } from '../plan/view.ts';
import type { Code } from '../wasm/code.ts';
import { i32, v128, vectors, words } from '../wasm/instructions.ts';
import type { Writer } from './writer.ts';

const f32x4 = vectors.f32;

/** Four codes on the stack to four f32. */
export function emitDecode(e: Writer, type: Narrow): void {
  const { out } = e;
  switch (type) {
    case 'bf16':
      out.i32(16).op(words.shl);
      return;
    case 'f16': {
      const [codes, magnitude] = [e.temporary('v128', 'codes'), e.temporary('v128', 'magnitude')];
      out.set(codes).get(codes).get(splat(e, 0x7fff)).op(v128.and).set(magnitude);
      out.get(magnitude).op(v128.f32FromI32);
      e.constant('v32', 2 ** -24);
      out.op(f32x4.mul);
      out.get(magnitude).i32(13).op(words.shl).get(splat(e, 0x38000000)).op(v128.addI32);
      out.get(magnitude).get(splat(e, 1024)).op(words.ltS).op(v128.bitSelect);
      out.get(codes).get(splat(e, 0x8000)).op(v128.and).i32(16).op(words.shl).op(v128.or);
      return;
    }
    case 'int8':
    case 'uint8': {
      const [codes, numbers] = [e.temporary('v128', 'codes'), e.temporary('v128', 'decoded')];
      const table = e.context.tables(type);
      out.set(codes);
      for (let lane = 0; lane < 4; lane++) {
        out.get(codes).lane(words.extract, lane).i32(2).op(i32.shl);
        if (lane === 0) out.memory(v128.splatLoad.f32, table);
        else out.get(numbers).memory(v128.laneLoad.f32, table, lane);
        out.set(numbers);
      }
      out.get(numbers);
    }
  }
}

/** Pushes the codes of an `encode`: four, or one. */
export function emitEncode(e: Writer, instance: Instance, form: 'code' | 'codes'): void {
  const { out } = e;
  const { operation, type } = instance.value;
  const [x, call] = [found(instance.inputs[0], 'what is encoded'), found(instance.inputs[1], 'the number of the run')];
  if (operation.op !== 'encode' || !isNarrow(type)) throw new BackendError(`wasm: '${operation.op}' makes no codes`);
  if (form === 'codes') e.push(x, 'v32');
  else {
    e.push(x, 'f32');
    out.op(v128.splat.f32);
  }
  const value = e.temporary('v128', 'value');
  out.set(value);
  const word = randomWords(e, instance, call, operation);
  const random = e.temporary('v128', 'random');
  out.get(word);
  if (operation.half === 0) out.i32(16).op(words.shrU);
  else out.get(splat(e, 0xffff)).op(v128.and);
  out.set(random);
  if (type === 'bf16') encodeBf16(e, value, random);
  else if (type === 'f16') encodeF16(e, value, random, operation.keeps);
  else encodeByte(e, type, value, random, operation.keeps);
  if (form === 'code') out.lane(words.extract, 0);
}

/** x with 16 random bits added, cut. */
function encodeBf16(e: Writer, value: number, random: number): void {
  const { out } = e;
  out.get(value);
  e.constant('v32', largestCoded.bf16);
  out.op(f32x4.min);
  e.constant('v32', -largestCoded.bf16);
  out.op(f32x4.max).get(random).op(v128.addI32).i32(16).op(words.shrU);
}

function encodeF16(e: Writer, value: number, random: number, keeps: boolean): void {
  const { out } = e;
  const magnitude = e.temporary('v128', 'magnitude');
  // As many bits as an f32 next to 1024 has behind the point.
  out.get(random).i32(3).op(words.shrU).set(random);
  out.get(value).op(f32x4.abs);
  e.constant('v32', largestCoded.f16);
  out.op(f32x4.min).set(magnitude).get(magnitude);
  e.constant('v32', 2 ** 24);
  out.op(f32x4.mul);
  out.get(random).op(v128.f32FromI32);
  e.constant('v32', 2 ** -13);
  out.op(f32x4.mul);
  out.op(f32x4.add).op(words.truncS);
  out.get(magnitude).get(splat(e, 0x38000000)).op(words.sub).get(random).op(v128.addI32).i32(13).op(words.shrU);
  out.get(magnitude);
  e.constant('v32', 2 ** -14);
  out.op(f32x4.lt).op(v128.bitSelect);
  if (keeps) atLeast(e, value, 1);
  out.get(value).get(splat(e, 0x80000000)).op(v128.and).i32(16).op(words.shrU).op(v128.or);
}

function encodeByte(e: Writer, type: 'int8' | 'uint8', value: number, random: number, keeps: boolean): void {
  const { out } = e;
  const magnitude = e.temporary('v128', 'magnitude');
  const lowest = 2 ** (topDecade[type] - 6);
  out.get(value);
  if (type === 'int8') out.op(f32x4.abs);
  else {
    e.constant('v32', 0);
    out.op(f32x4.max);
  }
  e.constant('v32', 1);
  out.op(f32x4.min).set(magnitude);
  stretchesOf(type).forEach(({ slope, start }, i) => {
    out.get(magnitude);
    e.constant('v32', slope);
    out.op(f32x4.mul);
    e.constant('v32', start);
    out.op(f32x4.add);
    if (i > 0) out.op(f32x4.min);
  });
  unit(e, random);
  out
    .op(f32x4.add)
    .op(words.truncS)
    .get(splat(e, 2 ** (topDecade[type] + 1) - 1))
    .op(words.minS);
  if (lowest > 1) {
    const code = e.temporary('v128', 'codes');
    out.set(code).get(code).get(code).get(splat(e, lowest)).op(words.geS).op(v128.and);
  }
  if (keeps) atLeast(e, value, lowest);
  if (type === 'int8') out.get(value).get(splat(e, 0x80000000)).op(v128.and).i32(24).op(words.shrU).op(v128.or);
}

/** Codes on the stack: at least `code` where the value is above 0. */
function atLeast(e: Writer, value: number, code: number): void {
  e.out.get(value);
  e.constant('v32', 0);
  e.out.op(f32x4.gt).get(splat(e, code)).op(v128.and).op(words.maxS);
}

/** Pushes the random bits as numbers in [0, 1). */
function unit(e: Writer, random: number): void {
  e.out.get(random).op(v128.f32FromI32);
  e.constant('v32', 2 ** -16);
  e.out.op(f32x4.mul);
}

const golden = 0x9e3779b1;

/** The local with the words of `roundingBits` for four elements; slots that share them, and walk alike, compute them once a round. */
function randomWords(
  e: Writer,
  { view }: Instance,
  call: Instance,
  { seed, stream }: { readonly seed: number; readonly stream: number },
): number {
  const { out } = e;
  const step = view.steps.at(-1) ?? 0;
  const key = roundingKey(seed, stream);
  const run = e.hoisted(`rounding ${key} ${step}`, 'v128', () => {
    e.push(call, 'f64');
    e.out.op(i32.fromF64).i32(key).op(i32.add).op(v128.splatI32);
    mix(e, 'mixed');
    e.out.v128([0, 1, 2, 3].map((lane) => Math.imul(lane * step, golden))).op(v128.addI32);
  });
  return e.inRound(`rounding ${key} ${viewKey(view)}`, () => {
    const local = e.temporary('v128', 'mixed');
    const first = e.addresses.pushLinear(out, view, e.at);
    out.i32(first).op(i32.add).i32(golden).op(i32.mul).op(v128.splatI32).get(run).op(v128.addI32).set(local);
    out.get(local).get(local).i32(16).op(words.shrU).op(words.xor).get(splat(e, 0x7feb352d)).op(words.mul).set(local);
    out.get(local).get(local).i32(15).op(words.shrU).op(words.xor);
  });
}

/** `mixed` of core, of four words on the stack. */
function mix(e: Writer, name: string): void {
  const local = e.temporary('v128', name);
  const fold = (bits: number): void => void e.out.set(local).get(local).get(local).i32(bits).op(words.shrU).op(words.xor);
  fold(16);
  e.out.get(splat(e, 0x85ebca6b)).op(words.mul);
  fold(13);
  e.out.get(splat(e, 0xc2b2ae35)).op(words.mul);
  fold(16);
}

const splat = (e: Pick<Writer, 'once'>, word: number): number =>
  e.once(`words ${word}`, (code: Code) => code.v128([word, word, word, word]));
