import { found } from '../plan/found.ts';
import type { ValueType } from '../wasm/code.ts';
import { convert, v128 } from '../wasm/instructions.ts';
import type { Func, ModuleBuilder } from '../wasm/module.ts';
import type { Form } from './context.ts';

/** Functions that WebAssembly lacks, with their number of arguments. */
const functions = { exp: 1, log: 1, expm1: 1, sin: 1, cos: 1, pow: 2 } as const;

export type MathName = keyof typeof functions;

export const mathNames: readonly MathName[] = ['exp', 'log', 'expm1', 'sin', 'cos', 'pow'];

export const isMath = (op: string): op is MathName => op in functions;

/**
 * The host's `Math` functions in f64: results are those of host scalars and of the reference, and the module stays small. They are the
 * only thing called per element; V8 goes straight to the C routine for all but `expm1`, about 10 ns each. Vectors are taken apart by a
 * helper per function and precision.
 */
export class VectorMath {
  readonly #module: ModuleBuilder;
  readonly #imported = new Map<MathName, number>();
  readonly #vectors = new Map<string, Func>();

  constructor(module: ModuleBuilder, used: ReadonlySet<string>) {
    this.#module = module;
    for (const name of mathNames) {
      if (!used.has(name)) continue;
      this.#imported.set(name, module.import(name, new Array<ValueType>(functions[name]).fill('f64'), ['f64']));
    }
  }

  /** The function on f64 numbers. */
  scalar(name: MathName): number {
    return found(this.#imported.get(name), name);
  }

  /** The function on vectors: four f32 lanes, or two f64 ones. */
  vector(name: MathName, form: Form): number {
    const type = form === 'v32' ? 'f32' : 'f64';
    const known = this.#vectors.get(`${name} ${type}`);
    if (known !== undefined) return known.index;
    const callee = this.scalar(name);
    const func = this.#module.func(new Array<ValueType>(functions[name]).fill('v128'), ['v128']);
    this.#vectors.set(`${name} ${type}`, func);
    const { code } = func;
    const result = func.local('v128');
    for (let lane = 0; lane < (type === 'f32' ? 4 : 2); lane++) {
      code.get(result);
      for (let argument = 0; argument < functions[name]; argument++) {
        code.get(argument).lane(v128.extract[type], lane);
        if (type === 'f32') code.op(convert.f64FromF32);
      }
      code.call(callee);
      if (type === 'f32') code.op(convert.f32FromF64);
      code.lane(v128.replace[type], lane).set(result);
    }
    code.get(result);
    return func.index;
  }
}
