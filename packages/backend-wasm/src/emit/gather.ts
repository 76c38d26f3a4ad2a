import { size } from '@opt/core';
import type { Region } from '../plan/region.ts';
import { bytesOf, operand, real, type Value } from '../plan/values.ts';
import { convert, i32, loads, stores } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';
import { clampIndex, pushAddress } from './addresses.ts';

/** Entries of x along an axis, in the order of an index; an index outside is brought to the nearest one. */
export function emitGather(func: Func, value: Value, axis: number, place: (value: Value) => Region): void {
  const [x, index] = [operand(value, 0), operand(value, 1)];
  const { code } = func;
  const bytes = bytesOf[value.type];
  const inner = size(x.shape.slice(axis + 1)) * bytes;
  const n = x.shape[axis] ?? 1;
  const outer = size(x.shape.slice(0, axis));
  const [held, type] = [real(index.type), real(value.type)];
  if (n === 0) return;
  const [from, to, entry, end, chosen, counter] = [0, 1, 2, 3, 4, 5].map(() => func.local('i32'));
  if (from === undefined || to === undefined || entry === undefined || end === undefined || chosen === undefined || counter === undefined)
    return;
  pushAddress(code, place(x));
  code.set(from);
  pushAddress(code, place(value));
  code.set(to);
  pushAddress(code, place(index));
  code
    .i32(index.size * bytesOf[index.type])
    .op(i32.add)
    .set(end);
  code.i32(outer).set(counter);
  code.loop();
  code
    .get(end)
    .i32(index.size * bytesOf[index.type])
    .op(i32.sub)
    .set(entry);
  code.loop();
  code.get(to);
  code.get(entry).memory(loads[held], 0);
  if (held === 'f32') code.op(convert.f64FromF32);
  clampIndex(code, chosen, n);
  code.i32(inner).op(i32.mul).get(from).op(i32.add);
  if (inner === bytes) code.memory(loads[type], 0).memory(stores[type], 0);
  else code.i32(inner).copy();
  code.bump(to, inner);
  code.bump(entry, bytesOf[index.type]).get(entry).get(end).op(i32.ltU).brIf(0).end();
  code.bump(from, n * inner);
  code.bump(counter, -1).get(counter).brIf(0).end();
}
