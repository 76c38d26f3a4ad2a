import { type Axis, axesOf, strides } from '@opt/core';
import { found } from './found.ts';
import { type Index, literal, origin, runNumber, type Template } from './template.ts';
import { operand, type Value } from './value.ts';
import { literalRow, operandSteps, viewOf } from './view.ts';

const infix: Readonly<Partial<Record<string, string>>> = { add: '+', sub: '-', mul: '*', div: '/', max: '', min: '' };
const comparisons: Readonly<Partial<Record<string, string>>> = { lt: '<', le: '<=', eq: '==' };
/** Functions of WGSL that are exact enough, and those of the library. */
const builtin: ReadonlySet<string> = new Set(['abs', 'sqrt', 'floor', 'max', 'min']);
const library: ReadonlySet<string> = new Set(['sign', 'exp', 'log', 'expm1', 'sin', 'cos', 'pow', 'copySign']);

/** What computes a value that is no elementwise work: its element at `identity` is the variable `name`. */
export interface CoreValue {
  readonly value: Value;
  readonly name: string;
}

/** Writes the statements of one block of a shader; every value is computed once per position it is read at. */
export class Expressions {
  readonly lines: string[] = [];
  readonly #template: Template;
  readonly #identity: Index;
  /** Values this kernel writes itself, element by element. */
  readonly #own: ReadonlySet<Value>;
  readonly #core: CoreValue | undefined;
  /** Whether `identity` is the element that is written when the block has ended. */
  readonly #writes: boolean;
  readonly #known = new Map<string, string>();
  readonly #conditions = new Map<string, string>();

  constructor(template: Template, identity: Index, writes: boolean, own: ReadonlySet<Value>, core?: CoreValue) {
    this.#template = template;
    this.#identity = identity;
    this.#writes = writes;
    this.#own = own;
    this.#core = core;
  }

  /** An expression for the element of `value` at `index`; `compute`: also where it lies in memory. */
  value(value: Value, index: Index, compute = false): string {
    const at = value.size === 1 ? origin : index;
    const key = keyOf(value, at);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const text = this.#make(value, at, compute);
    this.#known.set(key, text);
    return text;
  }

  /** The same as a truth value. */
  condition(value: Value, index: Index): string {
    const text = this.value(value, index);
    const at = value.size === 1 ? origin : index;
    return this.#conditions.get(keyOf(value, at)) ?? this.#template.call('nonzero', text);
  }

  /** The element of memory at an index. */
  read(holder: Value, index: Index): string {
    const plain = this.#writes && index.text === this.#identity.text && index.offset === 0;
    return this.let(`L${this.#template.slot(holder, index.offset, plain)}(${index.text})`);
  }

  let(text: string, type = 'v'): string {
    const known = this.#known.get(`= ${text}`);
    if (known !== undefined) return known;
    const name = `${type}${this.lines.length}`;
    this.lines.push(`let ${name} = ${text};`);
    this.#known.set(`= ${text}`, name);
    return name;
  }

  /** A position in full. */
  full({ text, offset }: Index): string {
    return offset === 0 ? text : this.let(`${text} + ${this.#template.word(offset)}`, 'i');
  }

  #make(value: Value, index: Index, compute: boolean): string {
    const here = index.text === this.#identity.text && index.offset === this.#identity.offset;
    if (value === this.#core?.value) {
      if (here) return this.#core.name;
      this.#template.invalid = true;
      return '0f';
    }
    if (value.operation.op === 'any')
      return this.#truth(value, index, `(${this.read(value, origin)} == ${this.#template.host(runNumber)})`);
    const own = this.#own.has(value);
    if (own && !here) this.#template.invalid = true;
    if (!compute && !own && this.#template.around.stored(value)) return this.read(value, index);
    return this.#compute(value, index);
  }

  #compute(value: Value, index: Index): string {
    this.#template.computed.add(value);
    const { operation } = value;
    const { op } = operation;
    switch (operation.op) {
      case 'literal':
        return literal(this.#template, operation.value);
      case 'host':
        return this.#template.host(operation.index);
      case 'iota':
        return this.let(`f32(${this.full(index)})`);
      case 'copy':
      case 'reshape':
        return this.value(operand(value, 0), index);
      case 'transpose': {
        const own = strides(operand(value, 0).shape);
        return this.#through(
          value,
          index,
          operation.permutation.map((axis) => own[axis] ?? 0),
          0,
        );
      }
      case 'slice': {
        const own = strides(operand(value, 0).shape);
        return this.#through(
          value,
          index,
          own,
          operation.starts.reduce((sum, start, axis) => sum + start * (own[axis] ?? 0), 0),
        );
      }
      case 'broadcastTo':
        return this.#operand(operand(value, 0), value, index);
      case 'row':
        return this.#row(value, index);
      case 'setRow':
        return this.#setRow(value, index);
      case 'gather':
        return this.#gather(value, operation.axis, index);
      case 'random': {
        const args = [`${operation.seed >>> 0}u`, `${operation.stream >>> 0}u`, this.value(operand(value, 0), origin)];
        return this.let(this.#template.call(`${operation.distribution}Draw`, this.full(index), ...args));
      }
      case 'where': {
        const [c, x, y] = [operand(value, 0), operand(value, 1), operand(value, 2)];
        const condition = this.#operandCondition(c, value, index);
        return this.let(`select(${this.#operand(y, value, index)}, ${this.#operand(x, value, index)}, ${condition})`);
      }
      case 'cast':
        return this.let(`trunc(${this.value(operand(value, 0), index)})`);
      case 'isFinite':
        return this.#truth(value, index, this.#template.call('finite', this.value(operand(value, 0), index)));
      case 'neg':
        return this.let(`-${this.value(operand(value, 0), index)}`);
      default:
        break;
    }
    const args = value.inputs.map((input) => this.#operand(input, value, index));
    const [x = '0f', y = '0f'] = args;
    const comparison = comparisons[op];
    if (comparison !== undefined) return this.#truth(value, index, `(${x} ${comparison} ${y})`);
    if (builtin.has(op)) return this.let(`${op}(${args.join(', ')})`);
    if (library.has(op)) return this.let(this.#template.call(`${op}f`, ...args));
    return this.let(`${x} ${found(infix[op], `the text of '${op}'`)} ${y}`);
  }

  /** A comparison is kept as what it is, beside its value 0 or 1. */
  #truth(value: Value, index: Index, text: string): string {
    const condition = this.let(text, 'c');
    this.#conditions.set(keyOf(value, index), condition);
    return this.let(`select(0f, 1f, ${condition})`);
  }

  #operand(input: Value, value: Value, index: Index): string {
    if (input.size === value.size) return this.value(input, index);
    this.#discourage(input, value);
    return this.value(input, this.#mapped(index, axesOf(value.shape, operandSteps(input, value)), 0));
  }

  #operandCondition(input: Value, value: Value, index: Index): string {
    const at = input.size === value.size ? index : this.#mapped(index, axesOf(value.shape, operandSteps(input, value)), 0);
    if (input.size !== value.size) this.#discourage(input, value);
    return this.condition(input, at);
  }

  /** What takes long is not computed again for every row of a matrix. */
  #discourage(input: Value, value: Value): void {
    const { around } = this.#template;
    if (input.size > 1 && input.size < value.size && !around.stored(input) && around.effort(input) > 8) around.request(input);
  }

  #through(value: Value, index: Index, targets: readonly number[], start: number): string {
    return this.value(operand(value, 0), this.#mapped(index, axesOf(value.shape, targets), start));
  }

  /** The position in another value. */
  #mapped(index: Index, axes: readonly Axis[], start: number): Index {
    const [first] = axes;
    if (first === undefined || axes.every(({ to }) => to === 0)) return { text: '0u', offset: start };
    if (axes.length === 1 && first.from === 1)
      return { text: first.to === 1 ? index.text : this.let(`${index.text} * ${first.to}u`, 'i'), offset: index.offset * first.to + start };
    const full = this.full(index);
    const terms = axes.flatMap(({ length, from, to }, i) => {
      if (to === 0) return [];
      const divided = from === 1 ? full : `${full} / ${from}u`;
      const coordinate = i === 0 ? divided : `(${divided}) % ${length}u`;
      return [to === 1 ? `(${coordinate})` : `(${coordinate}) * ${to}u`];
    });
    return { text: this.let(terms.join(' + '), 'i'), offset: start };
  }

  /** Memory that holds a value as it is, in one piece; the value is asked to have such memory where there is none. */
  #memory(value: Value): { readonly holder: Value; readonly offset: number } | undefined {
    const { around } = this.#template;
    const view = viewOf(value, (at) => around.stored(at) && !this.#own.has(at) && at !== this.#core?.value);
    if (view !== undefined && axesOf(value.shape, view.steps).every(({ from, to }) => from === to)) return view;
    if (around.stored(value)) this.#template.invalid = true;
    else around.request(value);
    return undefined;
  }

  /** The first element of the row an index picks, brought to the nearest row there is. */
  #rowAt(index: Value, rows: number): string {
    return this.let(this.#template.call('nearest', this.value(index, origin), `${rows}u`), 'i');
  }

  #row(value: Value, index: Index): string {
    const [source, at] = [operand(value, 0), operand(value, 1)];
    if (at.operation.op === 'literal')
      return this.value(source, { text: index.text, offset: index.offset + literalRow(value) * value.size });
    const memory = this.#memory(source);
    if (memory === undefined) return '0f';
    const row = this.#rowAt(at, source.shape[0] ?? 1);
    return this.read(memory.holder, {
      text: this.let(`${row} * ${value.size}u + ${index.text}`, 'i'),
      offset: index.offset + memory.offset,
    });
  }

  #setRow(value: Value, index: Index): string {
    const [whole, at, row] = [operand(value, 0), operand(value, 1), operand(value, 2)];
    const full = this.full(index);
    const chosen = this.let(`(${full} / ${row.size}u) == ${this.#rowAt(at, value.shape[0] ?? 1)}`, 'c');
    const inside = this.value(row, { text: this.let(`${full} % ${row.size}u`, 'i'), offset: 0 });
    return this.let(`select(${this.value(whole, index)}, ${inside}, ${chosen})`);
  }

  #gather(value: Value, axis: number, index: Index): string {
    const [source, order] = [operand(value, 0), operand(value, 1)];
    const memory = this.#memory(source);
    if (memory === undefined) return '0f';
    const inner = source.shape.slice(axis + 1).reduce((product, n) => product * n, 1);
    const n = source.shape[axis] ?? 1;
    const full = this.full(index);
    const position = this.let(`(${full} / ${inner}u) % ${order.size}u`, 'i');
    const chosen = this.let(this.#template.call('nearest', this.value(order, { text: position, offset: 0 }), `${n}u`), 'i');
    const text = this.let(`((${full} / ${inner * order.size}u) * ${n}u + ${chosen}) * ${inner}u + ${full} % ${inner}u`, 'i');
    return this.read(memory.holder, { text, offset: memory.offset });
  }
}

const keyOf = (value: Value, { text, offset }: Index): string => `${value.id} ${text} ${offset}`;
