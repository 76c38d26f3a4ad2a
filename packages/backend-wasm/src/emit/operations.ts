import { BackendError } from '@opt/core';
import type { Instance } from '../plan/body.ts';
import { found } from '../plan/found.ts';
import { type Real, real } from '../plan/values.ts';
import type { View } from '../plan/view.ts';
import { convert, copySigns, i32, loads, select, v128 } from '../wasm/instructions.ts';
import { arithmetic, type Form, isCode, isVector, typeOf } from './form.ts';
import { isMath } from './math.ts';
import { emitEncode } from './narrow.ts';
import type { Writer } from './writer.ts';

const evenWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];

/** Pushes a value that is not in memory, from its operands. */
export function emitValue(e: Writer, instance: Instance, form: Form): void {
  const { value, inputs, view } = instance;
  const { operation } = value;
  const { out } = e;
  const [a, b, c] = inputs;
  const operations = arithmetic(form);
  const input = (from: Instance | undefined): Instance => found(from, `an operand of '${operation.op}'`);
  switch (operation.op) {
    case 'literal':
      e.constant(form, operation.value);
      return;
    case 'host':
      out.i32(0).memory(loads.f64, e.context.scalars + 8 * operation.index);
      if (form === 'f32') out.op(convert.f32FromF64);
      return;
    case 'iota':
      emitIndex(e, view, form);
      return;
    case 'cast':
      e.push(input(a), form);
      out.op(operations.trunc);
      return;
    case 'copy':
    case 'reshape':
    case 'part':
    case 'slice':
    case 'transpose':
    case 'broadcastTo':
    case 'row':
      e.push(input(a), form);
      return;
    case 'sign':
      sign(e, input(a), form);
      return;
    case 'lt':
    case 'le':
    case 'eq':
    case 'isFinite':
      truth(e, instance, form);
      return;
    case 'where':
      e.push(input(b), form);
      e.push(input(c), form);
      emitMask(e, input(a), form === 'code' ? 'f32' : form === 'codes' ? 'v32' : form);
      out.op(isVector(form) ? v128.bitSelect : select);
      return;
    case 'encode':
      if (isCode(form)) emitEncode(e, instance, form);
      else throw new BackendError('wasm: codes are no numbers');
      return;
    case 'copySign':
      copySign(e, input(a), input(b), form);
      return;
    case 'neg':
    case 'abs':
    case 'sqrt':
    case 'floor':
      e.push(input(a), form);
      out.op(operations[operation.op]);
      return;
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
    case 'max':
    case 'min':
      e.push(input(a), form);
      e.push(input(b), form);
      out.op(operations[operation.op]);
      return;
    default:
      if (!isMath(operation.op)) throw new BackendError(`wasm: '${operation.op}' is not elementwise`);
      for (const each of inputs) {
        e.push(each, form);
        if (form === 'f32') out.op(convert.f64FromF32);
      }
      out.call(e.context.math.index(operation.op, form === 'f32' ? 'f64' : form));
      if (form === 'f32') out.op(convert.f32FromF64);
  }
}

function emitIndex(e: Writer, view: View, form: Form): void {
  const { out } = e;
  const step = view.steps.at(-1) ?? 0;
  const first = e.addresses.pushLinear(out, view, e.at);
  out.i32(first + (form === 'hi' ? 2 * step : 0)).op(i32.add);
  if (form === 'f32') out.op(convert.f32FromI32);
  else if (form === 'f64') out.op(convert.f64FromI32);
  else {
    const lanes = e.once(`lanes ${step}`, (code) => code.v128([0, step, 2 * step, 3 * step]));
    out
      .op(v128.splatI32)
      .get(lanes)
      .op(v128.addI32)
      .op(form === 'v32' ? v128.f32FromI32 : v128.f64FromI32);
  }
}

/** A condition as 0 or 1. Its own type is that of its result; what it compares may be wider. */
function truth(e: Writer, instance: Instance, form: Form): void {
  const { out } = e;
  if (isVector(form)) {
    emitMask(e, instance, form);
    e.constant(form, 1);
    out.op(v128.and);
    return;
  }
  emitMask(e, { ...instance, invariant: false }, form);
  out.op(form === 'f32' ? convert.f32FromI32 : convert.f64FromI32);
}

/** ±1 with the sign of x where |x| > 0, else x itself: ±0 or NaN. */
function sign(e: Writer, x: Instance, form: Form): void {
  const { out } = e;
  const local = e.local(x, form);
  if (isVector(form)) {
    out.get(local);
    e.constant(form, 1);
    out.get(signBits(e, form)).op(v128.bitSelect);
  } else {
    e.constant(form, 1);
    out.get(local).op(copySigns[typeOf(form)]);
  }
  out.get(local).get(local).op(arithmetic(form).abs);
  e.constant(form, 0);
  out.op(arithmetic(form).gt).op(isVector(form) ? v128.bitSelect : select);
}

/** |x| with the sign of y; NaN counts as positive, whatever its bits. */
function copySign(e: Writer, x: Instance, y: Instance, form: Form): void {
  const { out } = e;
  const local = e.local(y, form);
  if (isVector(form)) {
    out.get(local).get(local).get(local).op(arithmetic(form).eq).op(v128.and);
    e.push(x, form);
    out.get(signBits(e, form)).op(v128.bitSelect);
  } else {
    e.push(x, form);
    out.get(local);
    e.constant(form, 0);
    out.get(local).get(local).op(arithmetic(form).eq).op(select).op(copySigns[typeOf(form)]);
  }
}

function signBits(e: Writer, form: Form): number {
  const high = 0x80000000;
  return e.once(`sign ${typeOf(form)}`, (code) => code.v128(form === 'v32' ? [high, high, high, high] : [0, high, 0, high]));
}

/** Pushes a mask: all bits of a lane where the value is not 0, or for a single number 1. */
function emitMask(e: Writer, instance: Instance, form: Form): void {
  const { operation } = instance.value;
  const [a, b] = instance.inputs;
  const tests = instance.read === undefined && !instance.invariant;
  const compares = operation.op === 'lt' || operation.op === 'le' || operation.op === 'eq' ? operation.op : undefined;
  if (tests && compares !== undefined && a !== undefined && b !== undefined) {
    const type = a.value.type === 'f64' || b.value.type === 'f64' ? 'f64' : 'f32';
    fitted(e, type, form, (own) => {
      e.push(a, own);
      e.push(b, own);
      e.out.op(arithmetic(own)[compares]);
    });
    return;
  }
  if (tests && operation.op === 'isFinite' && a !== undefined) {
    fitted(e, real(a.value.type), form, (own) => {
      emitDifference(e, a, own);
      e.constant(own, 0);
      e.out.op(arithmetic(own).eq);
    });
    return;
  }
  fitted(e, real(instance.value.type), form, (own) => {
    e.push(instance, own);
    e.constant(own, 0);
    e.out.op(arithmetic(own).ne);
  });
}

/** A mask made in `type`, brought to the lane width of `form`. */
function fitted(e: Writer, type: Real, form: Form, emit: (form: Form) => void): void {
  if (!isVector(form)) emit(type);
  else if (typeOf(form) === type) emit(form);
  else if (form === 'v32') {
    emit('lo');
    emit('hi');
    e.out.shuffle(evenWords);
  } else {
    emit('v32');
    e.out.op(form === 'lo' ? v128.extendLow : v128.extendHigh);
  }
}

/** x − x: 0 where x is finite, else NaN. */
export function emitDifference(e: Writer, x: Instance, form: Form): void {
  const local = e.local(x, form);
  e.out.get(local).get(local).op(arithmetic(form).sub);
}
