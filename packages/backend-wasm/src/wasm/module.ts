import { Code, type OwnBytes, type ValueType } from './code.ts';
import { valueTypes } from './instructions.ts';

/** A function being written; its parameters are its first locals. */
export class Func {
  readonly index: number;
  readonly code: Code = new Code();
  readonly #parameters: number;
  readonly #locals: ValueType[] = [];

  constructor(index: number, parameters: number) {
    this.index = index;
    this.#parameters = parameters;
  }

  local(type: ValueType): number {
    return this.#parameters + this.#locals.push(type) - 1;
  }

  encode(out: Code): void {
    const runs: [number, ValueType][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last !== undefined && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const head = new Code().unsigned(runs.length);
    for (const [count, type] of runs) head.unsigned(count).byte(valueTypes[type]);
    out
      .unsigned(head.length + this.code.length + 1)
      .append(head)
      .append(this.code)
      .end();
  }
}

/** A memory that threads share. */
export interface Shared {
  /** Most pages it can grow to. */
  readonly pages: number;
}

/**
 * A module that imports a memory, the mutable i32 global `arena` and functions; where the memory is shared, `own` too, where the scratch
 * of the thread starts. All imports come before the first function.
 */
export class ModuleBuilder {
  readonly #types = new Map<string, number>();
  readonly #typeCode = new Code();
  readonly #imports = new Map<string, { readonly index: number; readonly type: number }>();
  readonly #functions: { readonly func: Func; readonly type: number }[] = [];
  readonly #exports: [string, number][] = [];
  readonly #shared: Shared | undefined;

  constructor(shared?: Shared) {
    this.#shared = shared;
  }

  /** The index of an imported function, from `env`. */
  import(name: string, parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const known = this.#imports.get(name);
    if (known !== undefined) return known.index;
    const index = this.#imports.size;
    this.#imports.set(name, { index, type: this.#type(parameters, results) });
    return index;
  }

  func(parameters: readonly ValueType[] = [], results: readonly ValueType[] = []): Func {
    const func = new Func(this.#imports.size + this.#functions.length, parameters.length);
    this.#functions.push({ func, type: this.#type(parameters, results) });
    return func;
  }

  export(name: string, func: Func): void {
    this.#exports.push([name, func.index]);
  }

  encode(): OwnBytes {
    const out = new Code();
    for (const byte of [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(byte);
    section(out, 1, this.#types.size, this.#typeCode);

    const imports = new Code();
    text(text(imports, 'env'), 'memory').byte(0x02);
    if (this.#shared === undefined) imports.byte(0).byte(0);
    else imports.byte(3).byte(0).unsigned(this.#shared.pages);
    const globals = this.#shared === undefined ? ['arena'] : ['arena', 'own'];
    for (const name of globals) text(text(imports, 'env'), name).byte(0x03).byte(valueTypes.i32).byte(1);
    for (const [name, { type }] of this.#imports) {
      text(text(imports, 'env'), name).byte(0x00).unsigned(type);
    }
    section(out, 2, this.#imports.size + 1 + globals.length, imports);

    const declared = new Code();
    for (const { type } of this.#functions) declared.unsigned(type);
    section(out, 3, this.#functions.length, declared);

    const exported = new Code();
    for (const [name, index] of this.#exports) {
      text(exported, name).byte(0x00).unsigned(index);
    }
    section(out, 7, this.#exports.length, exported);

    const bodies = new Code();
    for (const { func } of this.#functions) func.encode(bodies);
    section(out, 10, this.#functions.length, bodies);
    return out.bytes;
  }

  #type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters}>${results}`;
    const known = this.#types.get(key);
    if (known !== undefined) return known;
    const index = this.#types.size;
    this.#types.set(key, index);
    this.#typeCode.byte(0x60);
    for (const list of [parameters, results]) {
      this.#typeCode.unsigned(list.length);
      for (const type of list) this.#typeCode.byte(valueTypes[type]);
    }
    return index;
  }
}

function section(out: Code, id: number, count: number, content: Code): void {
  const body = new Code().unsigned(count).append(content);
  out.byte(id).unsigned(body.length).append(body);
}

/** Names are ASCII. */
function text(out: Code, name: string): Code {
  out.unsigned(name.length);
  for (let i = 0; i < name.length; i++) out.byte(name.charCodeAt(i));
  return out;
}
