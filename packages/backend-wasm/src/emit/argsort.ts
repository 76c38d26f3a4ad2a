import type { Region } from '../plan/region.ts';
import { bytesOf, operand, type Type, type Value } from '../plan/values.ts';
import { convert, i32, loads, scalars, select, stores } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';
import { pushAddress } from './addresses.ts';
import type { Context } from './context.ts';

/** The stable ascending order of every line of the last axis. */
export function emitArgsort(context: Context, func: Func, value: Value, from: Region, to: Region, scratch: Region): void {
  const source = operand(value, 0);
  const n = value.shape.at(-1) ?? 1;
  const sort = sorter(context, source.type);
  const { code } = func;
  const [at, out, counter] = [func.local('i32'), func.local('i32'), func.local('i32')];
  pushAddress(code, from);
  code.set(at);
  pushAddress(code, to);
  code.set(out);
  code.i32(value.size / n).set(counter);
  code.loop().get(at).i32(n).get(out);
  pushAddress(code, scratch);
  code.call(sort.index);
  code.bump(at, n * bytesOf[source.type]).bump(out, n * 8);
  code.bump(counter, -1).get(counter).brIf(0).end();
}

/** (line, n, out, scratch of 8n bytes): bottom-up merge sort of positions, written to `out` as f64. */
function sorter(context: Context, type: Type): Func {
  const known = context.shared.get(`argsort ${type}`);
  if (known !== undefined) return known;
  const func = context.module.func(['i32', 'i32', 'i32', 'i32']);
  context.shared.set(`argsort ${type}`, func);
  const { code } = func;
  const [line, n, out, a] = [0, 1, 2, 3];
  const local = (): number => func.local('i32');
  const [b, width, low, middle, high, i, j, k, swap] = [local(), local(), local(), local(), local(), local(), local(), local(), local()];
  const entry = (base: number, index: number): void => {
    code.get(base).get(index).i32(2).op(i32.shl).op(i32.add);
  };
  /** Pushes the smaller of a local and n. */
  const atMost = (index: number): void => {
    code.get(index).get(n).get(index).get(n).op(i32.ltU).op(select);
  };
  const key = (index: number): void => {
    code.get(line);
    entry(a, index);
    code.memory(i32.load, 0).i32(bytesOf[type]).op(i32.mul).op(i32.add).memory(loads[type], 0);
  };
  code.get(a).get(n).i32(2).op(i32.shl).op(i32.add).set(b);
  // a ← 0, 1, …
  code.block().loop().get(i).get(n).op(i32.geU).brIf(1);
  entry(a, i);
  code.get(i).memory(i32.store, 0).bump(i, 1).br(0).end().end();
  code.i32(1).set(width);
  code.block().loop().get(width).get(n).op(i32.geU).brIf(1);
  code.i32(0).set(low);
  code.block().loop().get(low).get(n).op(i32.geU).brIf(1);
  code.get(low).get(width).op(i32.add).set(middle);
  atMost(middle);
  code.set(middle);
  code.get(middle).get(width).op(i32.add).set(high);
  atMost(high);
  code.set(high);
  code.get(low).set(i).get(middle).set(j).get(low).set(k);
  code.block().loop().get(k).get(high).op(i32.geU).brIf(1);
  entry(b, k);
  // The right one is taken where the left run is empty, or where it is there and smaller.
  code.get(i).get(middle).op(i32.geU).if('i32').i32(1).else();
  code.get(j).get(high).op(i32.geU).if('i32').i32(0).else();
  key(j);
  key(i);
  code.op(scalars[type].lt).end().end();
  code.if('i32');
  entry(a, j);
  code.memory(i32.load, 0).bump(j, 1).else();
  entry(a, i);
  code.memory(i32.load, 0).bump(i, 1).end().memory(i32.store, 0);
  code.bump(k, 1).br(0).end().end();
  code.get(high).set(low).br(0).end().end();
  code.get(a).set(swap).get(b).set(a).get(swap).set(b);
  code.get(width).i32(1).op(i32.shl).set(width).br(0).end().end();
  code.i32(0).set(i);
  code.block().loop().get(i).get(n).op(i32.geU).brIf(1);
  code.get(out).get(i).i32(3).op(i32.shl).op(i32.add);
  entry(a, i);
  code.memory(i32.load, 0).op(convert.f64FromI32).memory(stores.f64, 0).bump(i, 1).br(0).end().end();
  return func;
}
