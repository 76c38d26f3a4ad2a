import { codeBytes, isNarrow, type Narrow } from '@opt/core';
import type { Instance, Read } from '../plan/body.ts';
import type { Region } from '../plan/region.ts';
import { bytesOf, type Value } from '../plan/values.ts';
import type { View } from '../plan/view.ts';
import type { Code, ValueType } from '../wasm/code.ts';
import { codes, convert, highFirst, loads, lowHalves, stores, v128, words } from '../wasm/instructions.ts';
import type { Func } from '../wasm/module.ts';
import { Addresses, type Part, pushAddress, type RowStart } from './addresses.ts';
import type { Context } from './context.ts';
import { type Form, formsOf, isForm, isVector, typeOf } from './form.ts';
import { emitDecode } from './narrow.ts';
import { emitValue } from './operations.ts';

const valueType = (form: Form): ValueType => (form === 'f32' || form === 'f64' ? form : form === 'code' ? 'i32' : 'v128');

/**
 * Emits the values of one loop nest. Code goes to `out`: before the loops for what is the same in every round, which is then kept in
 * locals, or into the round at hand. `at` is how far, in elements by loop, the round lies from where the address locals point.
 */
export class Expressions {
  readonly func: Func;
  readonly before: Code;
  readonly addresses: Addresses;
  out: Code;
  readonly context: Context;
  readonly #home: (value: Value) => Region;
  readonly #locals = new Map<Instance, Map<Form, number>>();
  readonly #constants = new Map<string, number>();
  /** Locals that hold their value in the round at hand; those of invariants always do. */
  readonly #ready = new Set<number>();
  readonly #lasting = new Set<number>();
  at: readonly number[] = [];

  constructor(context: Context, func: Func, home: (value: Value) => Region, part?: Part) {
    this.context = context;
    this.func = func;
    this.#home = home;
    this.before = context.drafts.before.clear();
    this.out = this.before;
    this.addresses = new Addresses(func, this.before, (index) => this.#hoisted(() => this.push(index, 'f64')), part);
  }

  /** Starts a round. */
  round(at: readonly number[]): void {
    this.at = at;
    this.#ready.clear();
  }

  /** Pushes a value. */
  push(instance: Instance, form: Form): void {
    const known = this.#known(instance, form);
    if (known !== undefined) this.out.get(known);
    else if (instance.invariant) this.out.get(this.#invariant(instance, form));
    else if (!isForm(form, instance.value.type)) this.#converted(instance, form);
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
    if (isForm(form, instance.value.type)) this.#compute(instance, form);
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
    if (isNarrow(type)) {
      this.#storeCodes(local(lanes === 1 ? 'code' : 'codes'), region, type, view, row, lanes);
      return;
    }
    formsOf(type, lanes).forEach((form, half) => {
      const push = (lane: number): number => {
        const offset = this.addresses.push(this.out, region, type, view, row, this.at);
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

  #storeCodes(local: number, region: Region, type: Narrow, view: View, row: RowStart | undefined, lanes: 1 | 4): void {
    const { out } = this;
    const step = view.steps.at(-1) ?? 0;
    const bytes = codeBytes[type] === 1 ? 1 : 2;
    const push = (lane: number): number => this.addresses.push(out, region, type, view, row, this.at) + lane * step * bytes;
    if (lanes === 1) {
      const offset = push(0);
      out.get(local).memory(codes.store[bytes], offset);
    } else if (step === 1) {
      const offset = push(0);
      out.get(local).get(local).op(codes.wordsToHalves);
      if (bytes === 2) out.memory(v128.laneStore.f64, offset, 0);
      else out.get(local).op(codes.halvesToBytes).memory(v128.laneStore.f32, offset, 0);
    } else {
      for (let lane = 0; lane < 4; lane++) {
        const offset = push(lane);
        out.get(local).lane(words.extract, lane).memory(codes.store[bytes], offset);
      }
    }
  }

  /** Pushes the codes that memory holds. */
  #loadCodes({ value, view, row }: Read, type: Narrow, form: Form): void {
    const { out } = this;
    const region = this.#home(value);
    const step = view.steps.at(-1) ?? 0;
    const bytes = codeBytes[type] === 1 ? 1 : 2;
    const push = (lane: number): number => this.addresses.push(out, region, type, view, row, this.at) + lane * step * bytes;
    if (form === 'code') out.memory(codes.load[bytes], push(0));
    else if (step === 1 && bytes === 2) out.memory(codes.loadHalves, push(0));
    else if (step === 1) out.memory(codes.loadBytes, push(0)).op(codes.bytesToHalves).op(codes.halvesToWords);
    else {
      out.memory(codes.load[bytes], push(0)).op(v128.splatI32);
      if (step === 0) return;
      for (let lane = 1; lane < 4; lane++) out.memory(codes.load[bytes], push(lane)).lane(words.replace, lane);
    }
  }

  /** Pushes what memory holds. */
  load(read: Read, form: Form): void {
    const { value, view, row } = read;
    const region = this.#home(value);
    const { type } = value;
    if (isNarrow(type)) {
      this.#loadCodes(read, type, form);
      return;
    }
    const step = view.steps.at(-1) ?? 0;
    const push = (lane: number): number => this.addresses.push(this.out, region, type, view, row, this.at) + lane * step * bytesOf[type];
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

  constant(form: Form, value: number): void {
    if (form === 'f32') this.out.f32(value);
    else if (form === 'f64') this.out.f64(value);
    else {
      const type = typeOf(form);
      const local = this.once(`${type} ${Object.is(value, -0) ? '-0' : value}`, (code) => {
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
    const at = this.at;
    this.out = this.before;
    this.at = [];
    try {
      return f();
    } finally {
      this.out = out;
      this.at = at;
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
      if (form === 'codes') {
        this.push(instance, 'code');
        this.out.op(v128.splatI32);
      } else if (isVector(form)) {
        this.push(instance, type);
        this.out.op(v128.splat[type]);
      } else if (isForm(form, instance.value.type)) this.#compute(instance, form);
      else if (isNarrow(instance.value.type)) this.#converted(instance, form);
      else {
        this.push(instance, instance.value.type);
        this.out.op(type === 'f32' ? convert.f32FromF64 : convert.f64FromF32);
      }
      const local = this.#keep(instance, form);
      this.out.set(local);
      return local;
    });
  }

  /** What is the same in every round, computed once, with `emit` writing to `out`. */
  hoisted(key: string, type: ValueType, emit: () => void): number {
    const known = this.#constants.get(`${type} hoisted ${key}`);
    if (known !== undefined) return known;
    const local = this.temporary(type, `hoisted ${key}`);
    this.#hoisted(() => {
      emit();
      this.out.set(local);
    });
    return local;
  }

  /** A vector that several values of a round are made of. */
  inRound(key: string, emit: () => void): number {
    const local = this.temporary('v128', `in round ${key}`);
    if (this.#ready.has(local)) return local;
    emit();
    this.out.set(local);
    this.#ready.add(local);
    return local;
  }

  /** A vector constant computed once. */
  once(key: string, emit: (code: Code) => void): number {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const local = this.func.local('v128');
    this.#constants.set(key, local);
    emit(this.before);
    this.before.set(local);
    return local;
  }

  /** A value in its own type. */
  #compute(instance: Instance, form: Form): void {
    if (instance.read !== undefined) this.load(instance.read, form);
    else emitValue(this, instance, form);
  }

  #converted(instance: Instance, form: Form): void {
    const { out } = this;
    const { type } = instance.value;
    if (isNarrow(type) && (form === 'f32' || form === 'v32')) {
      this.push(instance, form === 'f32' ? 'code' : 'codes');
      if (form === 'f32') out.op(v128.splatI32);
      emitDecode(this, type);
      if (form === 'f32') out.lane(v128.extract.f32, 0);
      return;
    }
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
}
