import type { Instance } from '../plan/body.ts';
import type { Region } from '../plan/region.ts';
import { bytesOf, type Type } from '../plan/values.ts';
import type { View } from '../plan/view.ts';
import type { Code } from '../wasm/code.ts';
import { i32, select } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';

/** Index of the global that holds where the arena starts. */
export const arenaGlobal = 0;

/** Index of the global that holds where the scratch of this thread starts, in modules for several threads. */
const ownGlobal = 1;

/** The part of the outermost loop that a function walks over: `rounds` of them, from round `rounds`·index on. */
export interface Part {
  /** The local that holds the index. */
  readonly index: number;
  readonly rounds: number;
}

export interface RowStart {
  readonly index: Instance;
  readonly width: number;
  readonly rows: number;
}

interface Walk {
  readonly local: number;
  /** Bytes by loop. */
  readonly steps: readonly number[];
}

/** The address locals of a loop nest: one for all accesses that walk alike, wherever they start. */
export class Addresses {
  readonly #walks = new Map<string, Walk>();
  readonly #func: Func;
  /** Code before the loops. */
  readonly #before: Code;
  /** Pushes a scalar, as f64, in the code before the loops. */
  readonly #pushIndex: (index: Instance) => void;
  readonly #part: Part | undefined;

  constructor(func: Func, before: Code, pushIndex: (index: Instance) => void, part?: Part) {
    this.#func = func;
    this.#before = before;
    this.#pushIndex = pushIndex;
    this.#part = part;
  }

  /** Pushes the address for a walk; gives what is still to be added as the access's own offset. */
  push(code: Code, region: Region, type: Type, view: View, row: RowStart | undefined, at: readonly number[]): number {
    const bytes = bytesOf[type];
    const steps = view.steps.map((step) => step * bytes);
    const walk = this.#walk(steps, region.arena ? 'arena' : '', row, bytes);
    code.get(walk.local);
    return region.address + view.offset * bytes + displacement(steps, at);
  }

  /** Pushes the linear index of a walk; gives what is still to be added. */
  pushLinear(code: Code, view: View, at: readonly number[]): number {
    code.get(this.#walk(view.steps, '', undefined, 0).local);
    return view.offset + displacement(view.steps, at);
  }

  /** Moves every walk on. */
  advance(code: Code, by: (steps: readonly number[]) => number): void {
    for (const { local, steps } of this.#walks.values()) code.bump(local, by(steps));
  }

  #walk(steps: readonly number[], base: string, row: RowStart | undefined, bytes: number): Walk {
    const key = `${steps}|${base}|${row === undefined ? '' : `${row.index.value.id} ${row.width} ${row.rows} ${bytes}`}`;
    const known = this.#walks.get(key);
    if (known !== undefined) return known;
    const walk = { local: this.#func.local('i32'), steps };
    this.#walks.set(key, walk);
    const before = this.#before;
    if (row !== undefined) {
      this.#pushIndex(row.index);
      clampIndex(before, this.#func.local('i32'), row.rows);
      before.i32(row.width * bytes).op(i32.mul);
    }
    if (base === 'arena') before.global(arenaGlobal);
    if (row !== undefined && base === 'arena') before.op(i32.add);
    const start = this.#part === undefined ? 0 : (steps[0] ?? 0) * this.#part.rounds;
    if (this.#part !== undefined && start !== 0) {
      before.get(this.#part.index).i32(start).op(i32.mul);
      if (row !== undefined || base === 'arena') before.op(i32.add);
    } else if (row === undefined && base !== 'arena') return walk;
    before.set(walk.local);
    return walk;
  }
}

/** Pushes where a region starts. */
export function pushAddress(code: Code, region: Region): void {
  const { base, address } = region;
  if (base === 'fixed') code.i32(address);
  else
    code
      .global(base === 'arena' ? arenaGlobal : ownGlobal)
      .i32(address)
      .op(i32.add);
}

/** Pushes integers, and where regions start. */
export function pushAll(code: Code, operands: readonly (number | Region)[]): void {
  for (const each of operands) {
    if (typeof each === 'number') code.i32(each);
    else pushAddress(code, each);
  }
}

/** An f64 on the stack to the nearest of 0 … count − 1. */
export function clampIndex(code: Code, local: number, count: number): void {
  code.op(i32.fromF64).set(local);
  code.get(local).i32(0).get(local).i32(0).op(i32.gtS).op(select).set(local);
  code
    .get(local)
    .i32(Math.max(0, count - 1))
    .get(local)
    .i32(count)
    .op(i32.ltS)
    .op(select);
}

const displacement = (steps: readonly number[], at: readonly number[]): number =>
  steps.reduce((sum, step, loop) => sum + step * (at[loop] ?? 0), 0);
