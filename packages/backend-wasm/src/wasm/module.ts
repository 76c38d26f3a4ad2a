import { Code, type ValueType } from './code.ts';
import { valueTypes } from './instructions.ts';

/** A function being written; its parameters are its first locals. */
export class Func {
  readonly index: number;
  readonly code: Code = new Code();
  private readonly parameters: number;
  private readonly locals: ValueType[] = [];

  constructor(index: number, parameters: number) {
    this.index = index;
    this.parameters = parameters;
  }

  local(type: ValueType): number {
    return this.parameters + this.locals.push(type) - 1;
  }

  encode(): Code {
    const body = new Code();
    const runs: [number, ValueType][] = [];
    for (const type of this.locals) {
      const last = runs.at(-1);
      if (last !== undefined && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    body.unsigned(runs.length);
    for (const [count, type] of runs) body.unsigned(count).bytes.push(valueTypes[type]);
    body.append(this.code).end();
    return new Code().unsigned(body.bytes.length).append(body);
  }
}

/** A module that imports a memory, a mutable i32 global and functions. All imports come before the first function. */
export class ModuleBuilder {
  private readonly types = new Map<string, number>();
  private readonly typeCode = new Code();
  private readonly imports = new Map<string, { readonly index: number; readonly type: number }>();
  private readonly functions: { readonly func: Func; readonly type: number }[] = [];
  private readonly exports: [string, number][] = [];

  /** The index of an imported function, from `env`. */
  import(name: string, parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const known = this.imports.get(name);
    if (known !== undefined) return known.index;
    const index = this.imports.size;
    this.imports.set(name, { index, type: this.type(parameters, results) });
    return index;
  }

  func(parameters: readonly ValueType[] = [], results: readonly ValueType[] = []): Func {
    const func = new Func(this.imports.size + this.functions.length, parameters.length);
    this.functions.push({ func, type: this.type(parameters, results) });
    return func;
  }

  export(name: string, func: Func): void {
    this.exports.push([name, func.index]);
  }

  encode(): Uint8Array<ArrayBuffer> {
    const out = new Code();
    out.bytes.push(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    section(out, 1, this.types.size, this.typeCode);

    const imports = new Code();
    text(text(imports, 'env'), 'memory').bytes.push(0x02, 0, 0);
    text(text(imports, 'env'), 'arena').bytes.push(0x03, valueTypes.i32, 1);
    for (const [name, { type }] of this.imports) {
      text(text(imports, 'env'), name).bytes.push(0x00);
      imports.unsigned(type);
    }
    section(out, 2, this.imports.size + 2, imports);

    const declared = new Code();
    for (const { type } of this.functions) declared.unsigned(type);
    section(out, 3, this.functions.length, declared);

    const exported = new Code();
    for (const [name, index] of this.exports) {
      text(exported, name).bytes.push(0x00);
      exported.unsigned(index);
    }
    section(out, 7, this.exports.length, exported);

    const bodies = new Code();
    for (const { func } of this.functions) bodies.append(func.encode());
    section(out, 10, this.functions.length, bodies);
    return Uint8Array.from(out.bytes);
  }

  private type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters}>${results}`;
    const known = this.types.get(key);
    if (known !== undefined) return known;
    const index = this.types.size;
    this.types.set(key, index);
    this.typeCode.bytes.push(0x60);
    for (const list of [parameters, results]) {
      this.typeCode.unsigned(list.length);
      for (const type of list) this.typeCode.bytes.push(valueTypes[type]);
    }
    return index;
  }
}

function section(out: Code, id: number, count: number, content: Code): void {
  const body = new Code().unsigned(count).append(content);
  out.bytes.push(id);
  out.unsigned(body.bytes.length).append(body);
}

/** Names are ASCII. */
function text(out: Code, name: string): Code {
  out.unsigned(name.length);
  for (let i = 0; i < name.length; i++) out.bytes.push(name.charCodeAt(i));
  return out;
}
