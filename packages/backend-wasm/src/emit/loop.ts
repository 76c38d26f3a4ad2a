import type { Body, Root } from '../plan/body.ts';
import type { Region } from '../plan/region.ts';
import { tiled } from '../plan/tiling.ts';
import type { Value } from '../plan/values.ts';
import type { Code } from '../wasm/code.ts';
import type { Func } from '../wasm/module.ts';
import type { Part } from './addresses.ts';
import type { Context } from './context.ts';
import { Expressions } from './expression.ts';
import { type Form, formsOf, isVector, typeOf } from './form.ts';
import { fillFirst, Reduction } from './reduction.ts';

/** Loop nests of at most this many elements are written out. */
const writtenOut = 16;

/** Emits a loop nest into `func`. */
export function emitLoop(context: Context, func: Func, roots: readonly Root[], body: Body, home: (value: Value) => Region): void {
  emitNest(context, func, roots, tiled(body), home);
}

/**
 * Emits a loop nest as it is, or the part of it that an argument of `func` picks. `several`: other functions do other parts of it, perhaps at
 * the same time.
 */
export function emitNest(
  context: Context,
  func: Func,
  roots: readonly Root[],
  body: Body,
  home: (value: Value) => Region,
  several = false,
  part?: Part,
): void {
  const expressions = new Expressions(context, func, home, part);
  if (body.loops.includes(0)) {
    for (const root of roots) if (root.kind === 'reduce') fillFirst({ root }, expressions);
    func.code.append(expressions.before);
    return;
  }
  const nest = new LoopNest(expressions, body, context.drafts.inside.clear(), several);
  const code = nest.emit();
  func.code.append(expressions.before).append(code);
}

class LoopNest {
  readonly #expressions: Expressions;
  readonly #body: Body;
  readonly #loops: readonly number[];
  readonly #reductions: readonly Reduction[];
  readonly #flat: boolean;
  readonly #code: Code;

  constructor(expressions: Expressions, body: Body, code: Code, several: boolean) {
    this.#code = code;
    this.#expressions = expressions;
    this.#body = body;
    this.#loops = body.loops;
    this.#flat = this.#loops.reduce((a, b) => a * b, 1) <= writtenOut;
    this.#reductions = body.roots
      .filter(({ root }) => root.kind === 'reduce')
      .map((placed) => new Reduction(placed, this.#loops, expressions, several));
  }

  emit(): Code {
    for (const reduction of this.#reductions) reduction.prepare();
    this.#expressions.out = this.#code;
    this.#level(0, []);
    return this.#code;
  }

  /** One loop and all inside it; gives how many of its elements the address locals have moved on. */
  #level(depth: number, at: readonly number[]): number {
    const inner = this.#loops.at(-1) ?? 1;
    for (const reduction of this.#reductions) if (reduction.level === depth) reduction.start(inner >= 4);
    const moved = this.#inside(depth, at);
    for (const reduction of this.#reductions) if (reduction.level === depth) reduction.finish(at);
    return moved;
  }

  #inside(depth: number, at: readonly number[]): number {
    const count = this.#loops[depth];
    if (count === undefined) {
      this.#round(1, at);
      return 0;
    }
    if (depth === this.#loops.length - 1) return this.#innermost(count, at);
    if (this.#flat) {
      for (let i = 0; i < count; i++) this.#level(depth + 1, [...at, i]);
      return 0;
    }
    const counter = this.#expressions.func.local('i32');
    this.#code.i32(count).set(counter).loop();
    const moved = this.#level(depth + 1, [...at, 0]);
    this.#expressions.addresses.advance(this.#code, (steps) => (steps[depth] ?? 0) - moved * (steps[depth + 1] ?? 0));
    this.#code.bump(counter, -1).get(counter).brIf(0).end();
    return count;
  }

  /** Whole vectors, several a turn, then single vectors, then single elements. */
  #innermost(count: number, at: readonly number[]): number {
    const code = this.#code;
    const expressions = this.#expressions;
    const vectors = Math.floor(count / 4);
    const unroll = this.#body.instances.length > 40 ? 1 : this.#body.instances.length > 6 ? 2 : 4;
    const turns = this.#flat || vectors <= unroll ? 0 : Math.floor(vectors / unroll);
    let moved = 0;
    if (turns > 0) {
      const counter = expressions.func.local('i32');
      code.i32(turns).set(counter).loop();
      for (let i = 0; i < unroll; i++) this.#round(4, [...at, 4 * i]);
      expressions.addresses.advance(code, (steps) => 4 * unroll * (steps.at(-1) ?? 0));
      code.bump(counter, -1).get(counter).brIf(0).end();
      moved = turns * unroll * 4;
    }
    for (let i = moved; i < vectors * 4; i += 4) this.#round(4, [...at, i - moved]);
    for (let i = vectors * 4; i < count; i++) this.#round(1, [...at, i - moved]);
    return moved;
  }

  /** Four elements, or one. All is computed before anything is stored: results may replace operands. */
  #round(lanes: 1 | 4, at: readonly number[]): void {
    const expressions = this.#expressions;
    expressions.round(at);
    const stores = this.#body.roots.filter(({ root }) => root.kind === 'store');
    const results = stores.map(
      ({ root, source }) => new Map(formsOf(root.into.type, lanes).map((form) => [form, expressions.local(source, form)])),
    );
    for (const reduction of this.#reductions) reduction.gather(lanes);
    stores.forEach(({ root, view, rowIndex }, i) => {
      const row = root.row && rowIndex && { index: rowIndex, width: root.row.width, rows: root.row.rows };
      expressions.store((form) => results[i]?.get(form) ?? 0, root.into, view, row, lanes);
    });
  }
}

/** Pushes the value of a scalar, for a call. */
export function emitScalar(context: Context, func: Func, body: Body, form: Form, home: (value: Value) => Region): number {
  const expressions = new Expressions(context, func, home);
  const local = func.local(isVector(form) ? 'v128' : typeOf(form));
  const [placed] = body.roots;
  if (placed !== undefined) expressions.push(placed.source, form);
  func.code.append(expressions.before).set(local);
  return local;
}
