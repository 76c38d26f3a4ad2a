import { found } from '../plan/found.ts';
import type { ValueType } from '../wasm/code.ts';
import { highFirst, lowHalves, v128 } from '../wasm/instructions.ts';
import type { Func, ModuleBuilder } from '../wasm/module.ts';
import type { Form } from './form.ts';

/** Functions that WebAssembly lacks, with their number of arguments: kernels on two f64 lanes. */
const functions = { exp: 1, log: 1, expm1: 1, sin: 1, cos: 1, pow: 2 } as const;

export type MathName = keyof typeof functions;

export const mathNames: readonly MathName[] = ['exp', 'log', 'expm1', 'sin', 'cos', 'pow'];

export const isMath = (op: string): op is MathName => op in functions;

/** The functions in the forms that loops need; what is not two f64 lanes gets a function around the kernel, once. */
export class VectorMath {
  readonly #module: ModuleBuilder;
  readonly #imported = new Map<MathName, number>();
  readonly #around = new Map<string, Func>();

  constructor(module: ModuleBuilder, used: ReadonlySet<string>) {
    this.#module = module;
    for (const name of mathNames) {
      if (used.has(name)) this.#imported.set(name, module.import(name, new Array<ValueType>(functions[name]).fill('v128'), ['v128']));
    }
  }

  /** The function on one f64, four f32 lanes, or two f64 ones; there is none on a single f32. */
  index(name: MathName, form: Exclude<Form, 'f32'>): number {
    const callee = found(this.#imported.get(name), name);
    if (form === 'lo' || form === 'hi') return callee;
    const key = `${name} ${form}`;
    const known = this.#around.get(key);
    if (known !== undefined) return known.index;
    const type = form === 'f64' ? 'f64' : 'v128';
    const func = this.#module.func(new Array<ValueType>(functions[name]).fill(type), [type]);
    this.#around.set(key, func);
    const { code } = func;
    const each = (push: (argument: number) => void): void => {
      for (let argument = 0; argument < functions[name]; argument++) push(argument);
      code.call(callee);
    };
    if (form === 'f64') {
      each((argument) => code.get(argument).op(v128.splat.f64));
      code.lane(v128.extract.f64, 0);
    } else {
      each((argument) => code.get(argument).op(v128.promote));
      code.op(v128.demote);
      each((argument) => code.get(argument).get(argument).shuffle(highFirst).op(v128.promote));
      code.op(v128.demote).shuffle(lowHalves);
    }
    return func.index;
  }
}
