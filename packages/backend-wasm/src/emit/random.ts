import { BackendError, type Distribution } from '@opt/core';
import type { Region } from '../plan/region.ts';
import { bytesOf, type Type, type Value } from '../plan/values.ts';
import { convert, i32, i64, scalars, select, stores } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';
import { pushAddress } from './addresses.ts';
import type { Context } from './context.ts';

/** Fills a value with counter-based draws: the same bits for the same seed, stream and call, whatever the shape of the loop. */
export function emitRandom(context: Context, func: Func, value: Value, call: number, to: Region): void {
  const { operation, type, size } = value;
  if (operation.op !== 'random') throw new BackendError(`wasm: '${operation.op}' draws nothing`);
  const { code } = func;
  pushAddress(code, to);
  code
    .i32(size)
    .get(call)
    .i32(operation.seed)
    .i32(operation.stream)
    .call(filler(context, operation.distribution, type).index);
}

const rounds = 10;

/** (to, count, call, seed, stream): Philox 4×32-10 with counter (position of the pair, call) and key (seed, stream). */
function filler(context: Context, distribution: Distribution, type: Type): Func {
  const name = `random ${distribution} ${type}`;
  const known = context.shared.get(name);
  if (known !== undefined) return known;
  const philox = generator(context);
  const func = context.module.func(['i32', 'i32', 'f64', 'i32', 'i32']);
  context.shared.set(name, func);
  const { code } = func;
  const [to, count, call, seed, stream] = [0, 1, 2, 3, 4];
  const local = (kind: 'i32' | 'f64'): number => func.local(kind);
  const [at, first, second] = [local('i32'), local('i32'), local('i32')];
  const [low, high] = [local('i32'), local('i32')];
  const [x, y, radius, angle] = [local('f64'), local('f64'), local('f64'), local('f64')];
  const bytes = bytesOf[type];
  const two32 = 4294967296;
  code.get(call).op(i64.fromF64).op(i32.fromI64).set(low);
  code
    .get(call)
    .f64(1 / two32)
    .op(scalars.f64.mul)
    .op(scalars.f64.floor)
    .op(i64.fromF64)
    .op(i32.fromI64)
    .set(high);
  code.block().loop().get(at).get(count).op(i32.geU).brIf(1);
  code.get(at).i32(1).op(i32.shrU).get(low).get(high).get(seed).get(stream).call(philox.index).set(second).set(first);
  const open = (word: number): void => {
    code
      .get(word)
      .op(convert.f64FromU32)
      .f64(0.5)
      .op(scalars.f64.add)
      .f64(1 / two32)
      .op(scalars.f64.mul);
  };
  if (distribution === 'normal') {
    code.f64(-2);
    open(first);
    code.call(context.math.scalar('log')).op(scalars.f64.mul).op(scalars.f64.sqrt).set(radius);
    code.f64(2 * Math.PI);
    open(second);
    code.op(scalars.f64.mul).set(angle);
    code.get(radius).get(angle).call(context.math.scalar('cos')).op(scalars.f64.mul).set(x);
    code.get(radius).get(angle).call(context.math.scalar('sin')).op(scalars.f64.mul).set(y);
  } else {
    for (const [word, result] of [
      [first, x],
      [second, y],
    ] as const) {
      if (distribution === 'uniform') open(word);
      else code.f64(-1).f64(1).get(word).i32(0).op(i32.ltS).op(i32.eqz).op(select);
      code.set(result);
    }
  }
  const store = (value: number, position: number): void => {
    code.get(to).get(at).i32(bytes).op(i32.mul).op(i32.add).get(value);
    if (type === 'f32') code.op(convert.f32FromF64);
    code.memory(stores[type], position * bytes);
  };
  store(x, 0);
  code.get(at).i32(1).op(i32.add).get(count).op(i32.ltU).if();
  store(y, 1);
  code.end();
  code.bump(at, 2).br(0).end().end();
  return func;
}

/** (position, call low, call high, seed, stream) → the first two words. */
function generator(context: Context): Func {
  const known = context.shared.get('philox');
  if (known !== undefined) return known;
  const func = context.module.func(['i32', 'i32', 'i32', 'i32', 'i32'], ['i32', 'i32']);
  context.shared.set('philox', func);
  const { code } = func;
  const [position, low, high, k0, k1] = [0, 1, 2, 3, 4];
  const [a, b, c, d, word] = [position, func.local('i32'), low, high, func.local('i32')];
  const [first, second] = [func.local('i64'), func.local('i64')];
  for (let round = 0; round < rounds; round++) {
    code.get(a).op(i64.fromI32).i64(0xd2511f53).op(i64.mul).set(first);
    code.get(c).op(i64.fromI32).i64(0xcd9e8d57).op(i64.mul).set(second);
    // (a, b, c, d) ← (high of second ^ b ^ k0, low of second, high of first ^ d ^ k1, low of first)
    code.get(second).i64(32).op(i64.shrU).op(i32.fromI64).get(b).op(i32.xor).get(k0).op(i32.xor).set(a);
    code.get(first).i64(32).op(i64.shrU).op(i32.fromI64).get(d).op(i32.xor).get(k1).op(i32.xor).set(word);
    code.get(second).op(i32.fromI64).set(b);
    code.get(first).op(i32.fromI64).set(d);
    code.get(word).set(c);
    code.bump(k0, 0x9e3779b9).bump(k1, 0xbb67ae85);
  }
  code.get(a).get(b);
  return func;
}
