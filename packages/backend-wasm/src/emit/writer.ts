import type { Instance } from '../plan/body.ts';
import type { Code, ValueType } from '../wasm/code.ts';
import type { Addresses } from './addresses.ts';
import type { Context } from './context.ts';
import type { Form } from './form.ts';

/** Where operations are written: see `Expressions`. */
export interface Writer {
  readonly out: Code;
  readonly context: Context;
  readonly addresses: Addresses;
  readonly at: readonly number[];
  push(instance: Instance, form: Form): void;
  local(instance: Instance, form: Form): number;
  constant(form: Form, value: number): void;
  once(key: string, emit: (code: Code) => void): number;
  hoisted(key: string, type: ValueType, emit: () => void): number;
  temporary(type: ValueType, name: string): number;
  inRound(key: string, emit: () => void): number;
}
