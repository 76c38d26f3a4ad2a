import type { PlacedRoot } from '../plan/body.ts';
import { bytesOf, real } from '../plan/values.ts';
import type { ValueType } from '../wasm/code.ts';
import { convert, i32, scalars, stores, v128, vectors } from '../wasm/instructions.ts';
import type { Expressions } from './expression.ts';
import { arithmetic, type Form, formsOf, typeOf } from './form.ts';
import { emitDifference } from './operations.ts';

const first = { sum: 0, maximum: Number.NEGATIVE_INFINITY, poison: 0 } as const;

/**
 * One reduction of a loop nest. Loops from `level` on, the innermost ones, run over what is reduced: their result is gathered in
 * locals, four lanes and one number for the tail. Where a loop outside of those is reduced too, or none of the innermost is, results
 * are gathered in memory.
 */
export class Reduction {
  readonly level: number;
  readonly #placed: PlacedRoot;
  readonly #op: 'sum' | 'maximum' | 'poison';
  readonly #inMemory: boolean;
  readonly #expressions: Expressions;
  readonly #depth: number;
  readonly #several: boolean;
  /** Vectors gathered so far, in turn so that one round need not wait for the one before, and the number beside them. */
  #lanes: readonly (readonly { readonly form: Form; readonly local: number }[])[] = [];
  #turn = 0;
  #single: number | undefined;
  #vectors = false;

  /** `several`: functions beside this one gather into the same result. */
  constructor(placed: PlacedRoot, loops: readonly number[], expressions: Expressions, several: boolean) {
    this.#several = several;
    this.#placed = placed;
    this.#expressions = expressions;
    this.#depth = loops.length;
    const { op } = placed.root.into.operation;
    this.#op = op === 'maximum' || op === 'poison' ? op : 'sum';
    const { steps } = placed.view;
    this.level = reducedFrom(steps);
    this.#inMemory = gathersInMemory(steps);
  }

  /** Code before all loops. */
  prepare(): void {
    if (!this.#inMemory) return;
    fillFirst(this.#placed, this.#expressions);
  }

  /** Code before the loops over what is reduced: `vectors` where they go in steps of four. */
  start(useVectors: boolean): void {
    if (this.#perElement) return;
    this.#vectors = useVectors;
    const { out } = this.#expressions;
    if (this.#vectors) {
      const { func } = this.#expressions;
      // A round in the same local waits for the one before; only a sum depends on the order.
      const turns = this.#op === 'sum' ? 1 : 4;
      if (this.#lanes.length === 0)
        this.#lanes = Array.from({ length: turns }, () => this.#forms.map((form) => ({ form, local: func.local('v128') })));
      for (const { form, local } of this.#lanes.flat()) {
        this.#expressions.constant(form, first[this.#op]);
        out.set(local);
      }
    }
    this.#single ??= this.#expressions.func.local(this.#singleType);
    if (this.#op === 'poison') out.i32(0);
    else this.#expressions.constant(this.#singleForm, first[this.#op]);
    out.set(this.#single);
  }

  /** Code of a round. */
  gather(lanes: 1 | 4): void {
    const expressions = this.#expressions;
    const placed = this.#placed;
    const { source, root, view } = placed;
    const { out } = expressions;
    if (this.#perElement) {
      const total = (form: Form): number => {
        expressions.load({ value: root.into, view, row: undefined }, form);
        expressions.push(source, form);
        out.op(arithmetic(form)[this.#op === 'sum' ? 'add' : 'max']);
        const local = expressions.temporary(form === 'f32' || form === 'f64' ? form : 'v128', `total ${form}`);
        out.set(local);
        return local;
      };
      expressions.store(total, root.into, view, undefined, lanes);
      return;
    }
    if (lanes === 1) {
      const single = this.#single ?? 0;
      if (this.#op === 'poison') {
        emitDifference(expressions, source, this.#singleForm);
        expressions.constant(this.#singleForm, 0);
        out.op(scalars[typeOf(this.#singleForm)].ne).get(single).op(i32.or);
      } else {
        out.get(single);
        expressions.push(source, this.#singleForm);
        out.op(scalars[typeOf(this.#singleForm)][this.#op === 'sum' ? 'add' : 'max']);
      }
      out.set(single);
      return;
    }
    for (const { form, local } of this.#lanes[this.#turn++ % this.#lanes.length] ?? []) {
      out.get(local);
      if (this.#op === 'poison') {
        emitDifference(expressions, source, form);
        out.op(v128.or);
      } else {
        expressions.push(source, form);
        out.op(vectors[typeOf(form)][this.#op === 'sum' ? 'add' : 'max']);
      }
      out.set(local);
    }
  }

  /** Code after the loops over what is reduced: the result goes to memory. */
  finish(at: readonly number[]): void {
    if (this.#perElement) return;
    const expressions = this.#expressions;
    const placed = this.#placed;
    const { out } = expressions;
    const single = this.#single ?? 0;
    if (this.#vectors) this.#join(single);
    const type = real(placed.root.into.type);
    const result = expressions.temporary(type, 'result');
    expressions.round(at);
    if (this.#several && this.#op === 'poison') {
      // It is 0 to begin with, and whoever finds something writes the same.
      out.get(single).if();
      expressions.constant(type, 1);
      out.set(result);
      expressions.store(() => result, placed.root.into, placed.view, undefined, 1);
      out.end();
      return;
    }
    out.get(single);
    if (this.#op === 'poison') out.op(type === 'f32' ? convert.f32FromI32 : convert.f64FromI32);
    if (this.#inMemory) {
      expressions.load({ value: placed.root.into, view: placed.view, row: undefined }, type);
      out.op(scalars[type][this.#op === 'sum' ? 'add' : 'max']);
    }
    out.set(result);
    expressions.store(() => result, placed.root.into, placed.view, undefined, 1);
  }

  /** Lanes into the single number. */
  #join(single: number): void {
    const { out } = this.#expressions;
    for (const { form, local } of this.#lanes.flat()) {
      const type = typeOf(form);
      if (this.#op === 'poison') {
        out.get(local).op(v128.anyTrue).get(single).op(i32.or).set(single);
        continue;
      }
      for (let lane = 0; lane < 16 / bytesOf[type]; lane++) {
        out.get(single).get(local).lane(v128.extract[type], lane);
        out.op(scalars[type][this.#op === 'sum' ? 'add' : 'max']).set(single);
      }
    }
  }

  /** Every element of the innermost loop has a result of its own. */
  get #perElement(): boolean {
    return this.level === this.#depth && this.#depth > 0;
  }

  get #forms(): readonly Form[] {
    return this.#op === 'poison' ? formsOf(this.#placed.source.value.type, 4) : formsOf(this.#placed.root.into.type, 4);
  }

  get #singleForm(): Form {
    return real(this.#op === 'poison' ? this.#placed.source.value.type : this.#placed.root.into.type);
  }

  get #singleType(): ValueType {
    return this.#op === 'poison' ? 'i32' : real(this.#placed.root.into.type);
  }
}

/** The loop from which on all loops run over what is reduced, by the strides of the result. */
function reducedFrom(steps: readonly number[]): number {
  let level = steps.length;
  while (level > 0 && (steps[level - 1] ?? 0) === 0) level--;
  return level;
}

/** Whether results are gathered in memory, which is filled before all loops. */
export function gathersInMemory(steps: readonly number[]): boolean {
  const level = reducedFrom(steps);
  return steps.slice(0, level).some((step) => step === 0) || (level === steps.length && steps.length > 0);
}

/** Fills the result of a reduction with what a reduction of nothing gives. */
export function fillFirst({ root: { into } }: Pick<PlacedRoot, 'root'>, expressions: Expressions): void {
  const { out } = expressions;
  const region = expressions.regionOf(into);
  if (into.operation.op !== 'maximum') {
    expressions.pushAddress(region);
    out
      .i32(0)
      .i32(into.size * bytesOf[into.type])
      .fill();
    return;
  }
  const at = expressions.func.local('i32');
  const end = expressions.func.local('i32');
  expressions.pushAddress(region);
  out
    .tee(at)
    .i32(into.size * bytesOf[into.type])
    .op(i32.add)
    .set(end);
  out.block().loop();
  out.get(at).get(end).op(i32.geU).brIf(1);
  out.get(at);
  expressions.constant(real(into.type), Number.NEGATIVE_INFINITY);
  out.memory(stores[real(into.type)], 0).bump(at, bytesOf[into.type]).br(0).end().end();
}
