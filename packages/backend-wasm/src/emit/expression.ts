import { BackendError } from '@opt/core';
import type { Instance, Read } from '../plan/body.ts';
import { found } from '../plan/found.ts';
import type { Region } from '../plan/region.ts';
import { bytesOf, type Type, type Value } from '../plan/values.ts';
import type { View } from '../plan/view.ts';
import type { Code, ValueType } from '../wasm/code.ts';
import { type Arithmetic, convert, copySigns, i32, loads, scalars, select, stores, v128, vectors } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';
import { Addresses, pushAddress, type RowStart } from './addresses.ts';
import { type Context, type Form, formsOf, isVector, typeOf } from './context.ts';
import { isMath } from './math.ts';

const evenWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
const lowHalves = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const highFirst = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];

const arithmetic = (form: Form): Arithmetic => (isVector(form) ? vectors : scalars)[typeOf(form)];
const valueType = (form: Form): ValueType => (form === 'f32' || form === 'f64' ? form : 'v128');

/**
 * Emits the values of one loop nest. Code goes to `out`: before the loops for what is the same in every round, which is then kept in
 * locals, or into the round at hand. `at` is how far, in elements by loop, the round lies from where the address locals point.
 */
export class Expressions {
  readonly func: Func;
  readonly before: Code;
  readonly addresses: Addresses;
  out: Code;
  readonly #context: Context;
  readonly #home: (value: Value) => Region;
  readonly #locals = new Map<Instance, Map<Form, number>>();
  readonly #constants = new Map<string, number>();
  /** Locals that hold their value in the round at hand; those of invariants always do. */
  readonly #ready = new Set<number>();
  readonly #lasting = new Set<number>();
  #at: readonly number[] = [];

  constructor(context: Context, func: Func, home: (value: Value) => Region) {
    this.#context = context;
    this.func = func;
    this.#home = home;
    this.before = context.drafts.before.clear();
    this.out = this.before;
    this.addresses = new Addresses(func, this.before, (index) => this.#hoisted(() => this.push(index, 'f64')));
  }

  /** Starts a round. */
  round(at: readonly number[]): void {
    this.#at = at;
    this.#ready.clear();
  }

  /** Pushes a value. */
  push(instance: Instance, form: Form): void {
    const known = this.#known(instance, form);
    if (known !== undefined) this.out.get(known);
    else if (instance.invariant) this.out.get(this.#invariant(instance, form));
    else if (typeOf(form) !== instance.value.type) this.#converted(instance, form);
    else {
      this.#compute(instance, form);
      if (instance.uses > 1) this.out.tee(this.#keep(instance, form));
    }
  }

  /** The local that holds a value. */
  local(instance: Instance, form: Form): number {
    const known = this.#known(instance, form);
    if (known !== undefined) return known;
    if (instance.invariant) return this.#invariant(instance, form);
    if (typeOf(form) === instance.value.type) this.#compute(instance, form);
    else this.#converted(instance, form);
    const local = this.#keep(instance, form);
    this.out.set(local);
    return local;
  }

  /** A value as it is stored: pushes nothing, writes one element or four. */
  store(local: (form: Form) => number, value: Value, view: View, row: RowStart | undefined, lanes: 1 | 4): void {
    const region = this.#home(value);
    const { type } = value;
    const step = view.steps.at(-1) ?? 0;
    formsOf(type, lanes).forEach((form, half) => {
      const push = (lane: number): number => {
        const offset = this.addresses.push(this.out, region, type, view, row, this.#at);
        this.out.get(local(form));
        return offset + (lane + (half * 16) / bytesOf[type]) * step * bytesOf[type];
      };
      if (!isVector(form)) this.out.memory(stores[type], push(0));
      else if (step === 1) this.out.memory(v128.store, push(0));
      else for (let lane = 0; lane < 16 / bytesOf[type]; lane++) this.out.memory(v128.laneStore[type], push(lane), lane);
    });
  }

  regionOf(value: Value): Region {
    return this.#home(value);
  }

  pushAddress(region: Region): void {
    pushAddress(this.out, region);
  }

  /** Pushes what memory holds. */
  load({ value, view, row }: Read, form: Form): void {
    const region = this.#home(value);
    const { type } = value;
    const step = view.steps.at(-1) ?? 0;
    const push = (lane: number): number => this.addresses.push(this.out, region, type, view, row, this.#at) + lane * step * bytesOf[type];
    const first = form === 'hi' ? 2 : 0;
    if (!isVector(form)) this.out.memory(loads[type], push(0));
    else if (step === 0) this.out.memory(v128.splatLoad[type], push(0));
    else if (step === 1) this.out.memory(v128.load, push(first));
    else {
      this.out.memory(v128.splatLoad[type], push(first));
      const vector = this.temporary('v128', `lanes ${type}`);
      this.out.set(vector);
      for (let lane = 1; lane < 16 / bytesOf[type]; lane++) {
        const offset = push(first + lane);
        this.out.get(vector).memory(v128.laneLoad[type], offset, lane);
        this.out.set(vector);
      }
      this.out.get(vector);
    }
  }

  /** Pushes a mask: all bits of a lane where the value is not 0, or for a single number 1. */
  mask(instance: Instance, form: Form): void {
    const { operation } = instance.value;
    const [a, b] = instance.inputs;
    const tests = instance.read === undefined && !instance.invariant;
    const compares = operation.op === 'lt' || operation.op === 'le' || operation.op === 'eq' ? operation.op : undefined;
    if (tests && compares !== undefined && a !== undefined && b !== undefined) {
      const type = a.value.type === 'f64' || b.value.type === 'f64' ? 'f64' : 'f32';
      this.#fitted(type, form, (own) => {
        this.push(a, own);
        this.push(b, own);
        this.out.op(arithmetic(own)[compares]);
      });
      return;
    }
    if (tests && operation.op === 'isFinite' && a !== undefined) {
      this.#fitted(a.value.type, form, (own) => {
        this.difference(a, own);
        this.constant(own, 0);
        this.out.op(arithmetic(own).eq);
      });
      return;
    }
    this.#fitted(instance.value.type, form, (own) => {
      this.push(instance, own);
      this.constant(own, 0);
      this.out.op(arithmetic(own).ne);
    });
  }

  /** x − x: 0 where x is finite, else NaN. */
  difference(x: Instance, form: Form): void {
    const local = this.local(x, form);
    this.out.get(local).get(local).op(arithmetic(form).sub);
  }

  constant(form: Form, value: number): void {
    if (form === 'f32') this.out.f32(value);
    else if (form === 'f64') this.out.f64(value);
    else {
      const type = typeOf(form);
      const local = this.#once(`${type} ${Object.is(value, -0) ? '-0' : value}`, (code) => {
        if (type === 'f32') code.f32(value);
        else code.f64(value);
        code.op(v128.splat[type]);
      });
      this.out.get(local);
    }
  }

  temporary(type: ValueType, name: string): number {
    const key = `${type} ${name}`;
    const local = this.#constants.get(key) ?? this.func.local(type);
    this.#constants.set(key, local);
    return local;
  }

  /** Runs `f` with code going before the loops. */
  #hoisted<T>(f: () => T): T {
    const { out } = this;
    const at = this.#at;
    this.out = this.before;
    this.#at = [];
    try {
      return f();
    } finally {
      this.out = out;
      this.#at = at;
    }
  }

  #known(instance: Instance, form: Form): number | undefined {
    const local = this.#locals.get(instance)?.get(form);
    return local !== undefined && (this.#ready.has(local) || this.#lasting.has(local)) ? local : undefined;
  }

  #keep(instance: Instance, form: Form): number {
    const forms = this.#locals.get(instance) ?? new Map<Form, number>();
    this.#locals.set(instance, forms);
    const local = forms.get(form) ?? this.func.local(valueType(form));
    forms.set(form, local);
    (instance.invariant ? this.#lasting : this.#ready).add(local);
    return local;
  }

  #invariant(instance: Instance, form: Form): number {
    // The halves of a splat are alike.
    if (form === 'hi') return this.local(instance, 'lo');
    return this.#hoisted(() => {
      const type = typeOf(form);
      if (isVector(form)) {
        this.push(instance, type);
        this.out.op(v128.splat[type]);
      } else if (type === instance.value.type) this.#compute(instance, form);
      else {
        this.push(instance, instance.value.type);
        this.out.op(type === 'f32' ? convert.f32FromF64 : convert.f64FromF32);
      }
      const local = this.#keep(instance, form);
      this.out.set(local);
      return local;
    });
  }

  /** A vector constant computed once. */
  #once(key: string, emit: (code: Code) => void): number {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const local = this.func.local('v128');
    this.#constants.set(key, local);
    emit(this.before);
    this.before.set(local);
    return local;
  }

  #converted(instance: Instance, form: Form): void {
    const { out } = this;
    switch (form) {
      case 'f32':
        this.push(instance, 'f64');
        out.op(convert.f32FromF64);
        break;
      case 'f64':
        this.push(instance, 'f32');
        out.op(convert.f64FromF32);
        break;
      case 'v32':
        this.push(instance, 'lo');
        out.op(v128.demote);
        this.push(instance, 'hi');
        out.op(v128.demote).shuffle(lowHalves);
        break;
      case 'lo':
        out.get(this.local(instance, 'v32')).op(v128.promote);
        break;
      case 'hi': {
        const local = this.local(instance, 'v32');
        out.get(local).get(local).shuffle(highFirst).op(v128.promote);
      }
    }
  }

  /** A mask made in `type`, brought to the lane width of `form`. */
  #fitted(type: Type, form: Form, emit: (form: Form) => void): void {
    if (!isVector(form)) emit(type);
    else if (typeOf(form) === type) emit(form);
    else if (form === 'v32') {
      emit('lo');
      emit('hi');
      this.out.shuffle(evenWords);
    } else {
      emit('v32');
      this.out.op(form === 'lo' ? v128.extendLow : v128.extendHigh);
    }
  }

  #compute(instance: Instance, form: Form): void {
    const { value, inputs, read, view } = instance;
    if (read !== undefined) {
      this.load(read, form);
      return;
    }
    const { operation } = value;
    const { out } = this;
    const [a, b, c] = inputs;
    const operations = arithmetic(form);
    const input = (from: Instance | undefined): Instance => found(from, `an operand of '${operation.op}'`);
    switch (operation.op) {
      case 'literal':
        this.constant(form, operation.value);
        return;
      case 'host':
        out.i32(0).memory(loads.f64, this.#context.scalars + 8 * operation.index);
        if (form === 'f32') out.op(convert.f32FromF64);
        return;
      case 'iota':
        this.#index(view, form);
        return;
      case 'cast':
        this.push(input(a), form);
        out.op(operations.trunc);
        return;
      case 'copy':
      case 'reshape':
      case 'part':
      case 'slice':
      case 'transpose':
      case 'broadcastTo':
      case 'row':
        this.push(input(a), form);
        return;
      case 'sign':
        this.#sign(input(a), form);
        return;
      case 'lt':
      case 'le':
      case 'eq':
      case 'isFinite':
        this.#truth(instance, form);
        return;
      case 'where':
        this.push(input(b), form);
        this.push(input(c), form);
        this.mask(input(a), form);
        out.op(isVector(form) ? v128.bitSelect : select);
        return;
      case 'copySign':
        this.#copySign(input(a), input(b), form);
        return;
      case 'neg':
      case 'abs':
      case 'sqrt':
      case 'floor':
        this.push(input(a), form);
        out.op(operations[operation.op]);
        return;
      case 'add':
      case 'sub':
      case 'mul':
      case 'div':
      case 'max':
      case 'min':
        this.push(input(a), form);
        this.push(input(b), form);
        out.op(operations[operation.op]);
        return;
      default:
        if (!isMath(operation.op)) throw new BackendError(`wasm: '${operation.op}' is not elementwise`);
        for (const each of inputs) {
          this.push(each, form);
          if (form === 'f32') out.op(convert.f64FromF32);
        }
        out.call(isVector(form) ? this.#context.math.vector(operation.op, form) : this.#context.math.scalar(operation.op));
        if (form === 'f32') out.op(convert.f32FromF64);
    }
  }

  #index(view: View, form: Form): void {
    const { out } = this;
    const step = view.steps.at(-1) ?? 0;
    const first = this.addresses.pushLinear(out, view, this.#at);
    out.i32(first + (form === 'hi' ? 2 * step : 0)).op(i32.add);
    if (form === 'f32') out.op(convert.f32FromI32);
    else if (form === 'f64') out.op(convert.f64FromI32);
    else {
      const lanes = this.#once(`lanes ${step}`, (code) => code.v128([0, step, 2 * step, 3 * step]));
      out
        .op(v128.splatI32)
        .get(lanes)
        .op(v128.addI32)
        .op(form === 'v32' ? v128.f32FromI32 : v128.f64FromI32);
    }
  }

  /** A condition as 0 or 1. Its own type is that of its result; what it compares may be wider. */
  #truth(instance: Instance, form: Form): void {
    const { out } = this;
    if (isVector(form)) {
      this.mask(instance, form);
      this.constant(form, 1);
      out.op(v128.and);
      return;
    }
    this.mask({ ...instance, invariant: false }, form);
    out.op(form === 'f32' ? convert.f32FromI32 : convert.f64FromI32);
  }

  /** ±1 with the sign of x where |x| > 0, else x itself: ±0 or NaN. */
  #sign(x: Instance, form: Form): void {
    const { out } = this;
    const local = this.local(x, form);
    if (isVector(form)) {
      out.get(local);
      this.constant(form, 1);
      out.get(this.#signBits(form)).op(v128.bitSelect);
    } else {
      this.constant(form, 1);
      out.get(local).op(copySigns[typeOf(form)]);
    }
    out.get(local).get(local).op(arithmetic(form).abs);
    this.constant(form, 0);
    out.op(arithmetic(form).gt).op(isVector(form) ? v128.bitSelect : select);
  }

  /** |x| with the sign of y; NaN counts as positive, whatever its bits. */
  #copySign(x: Instance, y: Instance, form: Form): void {
    const { out } = this;
    const local = this.local(y, form);
    if (isVector(form)) {
      out.get(local).get(local).get(local).op(arithmetic(form).eq).op(v128.and);
      this.push(x, form);
      out.get(this.#signBits(form)).op(v128.bitSelect);
    } else {
      this.push(x, form);
      out.get(local);
      this.constant(form, 0);
      out.get(local).get(local).op(arithmetic(form).eq).op(select).op(copySigns[typeOf(form)]);
    }
  }

  #signBits(form: Form): number {
    const high = 0x80000000;
    return this.#once(`sign ${typeOf(form)}`, (code) => code.v128(form === 'v32' ? [high, high, high, high] : [0, high, 0, high]));
  }
}
