import { computedAgain, dependencies, Precedence } from '@opt/core';
import { anyText } from '../wgsl/any.ts';
import { argsortText } from '../wgsl/argsort.ts';
import { mapText } from '../wgsl/map.ts';
import { productText } from '../wgsl/product.ts';
import { reduceText } from '../wgsl/reduce.ts';
import type { Abilities } from './abilities.ts';
import { effortOf } from './effort.ts';
import { type Core, type Kernel, type KernelText, type Root, sizeOf } from './kernel.ts';
import type { Surroundings } from './template.ts';
import { operand, type Value } from './value.ts';
import type { Fused, Wishes } from './wishes.ts';

const factorizations: ReadonlySet<string> = new Set(['eigh', 'orthonormalize', 'cholesky', 'solveTriangular']);
const storing: ReadonlySet<string> = new Set([
  ...factorizations,
  'input',
  'parameter',
  'product',
  'sum',
  'maximum',
  'any',
  'partial',
  'argsort',
  'repeat',
  'concat',
  'copy',
  'part',
]);

/** Kernels that are tried for a new root, of those that have something in common with it. */
const window = 8;

/** Most single numbers that one kernel computes: all of a model may have something in common, such as a count. */
const singles = 8;

/** Effort above which a value that several kernels need is computed once. */
const worthStoring = 12;

/** Groups the work of a block into kernels. */
export function fuse(list: readonly Value[], wishes: Wishes): Fused {
  const stored = new Set(wishes.targets);
  for (;;) {
    const planner = new Planner(list, stored, wishes);
    const wanted = planner.wanted();
    // Requests only ever grow in number, so this ends.
    if (wanted.size === 0) {
      planner.dropUnread();
      return planner;
    }
    for (const value of wanted) stored.add(value);
  }
}

class Planner implements Surroundings, Fused {
  readonly kernels: Kernel[] = [];
  readonly alone: boolean;
  readonly abilities: Abilities;
  readonly precedence = new Precedence<Value, Kernel>();
  readonly producers = this.precedence.producers;
  readonly #memory: ReadonlySet<Value>;
  readonly #wishes: Wishes;
  readonly #requests = new Set<Value>();
  readonly #readers = new Map<Value, Kernel[]>();
  readonly #efforts = new Map<Value, number>();

  constructor(list: readonly Value[], memory: ReadonlySet<Value>, wishes: Wishes) {
    this.#memory = memory;
    this.#wishes = wishes;
    this.alone = wishes.alone;
    this.abilities = wishes.abilities;
    const reached = dependencies(list, memory);
    for (const value of list) if (reached.has(value)) this.#plan(value);
  }

  // Functions that are handed over: bound to the planner.
  readonly stored = (value: Value): boolean => storing.has(value.operation.op) || this.#memory.has(value);

  readonly request = (value: Value): void => {
    if (!this.stored(value)) this.#requests.add(value);
  };

  readonly effort = (value: Value): number => {
    const effort = this.#efforts.get(value) ?? effortOf(value, this.stored);
    this.#efforts.set(value, effort);
    return effort;
  };

  wanted(): ReadonlySet<Value> {
    if (this.#requests.size === 0) this.#requestShared();
    return this.#requests;
  }

  /** Results of cores that only the roots beside them use need not be written. */
  dropUnread(): void {
    const read = new Set(this.#wishes.targets);
    for (const { reads } of this.kernels) for (const value of reads) read.add(value);
    for (const kernel of this.kernels) {
      const { core, roots } = kernel;
      if ((core.kind !== 'reduce' && core.kind !== 'product') || roots.length < 2 || read.has(core.value)) continue;
      kernel.roots = roots.filter(({ into }) => into !== core.value);
      kernel.text = this.#text(core, kernel.roots);
    }
  }

  #plan(value: Value): void {
    const { operation, inputs } = value;
    switch (operation.op) {
      case 'input':
      case 'parameter':
        return;
      case 'part':
        for (const kernel of this.producers.get(operand(value, 0)) ?? []) this.precedence.produces(kernel, value);
        return;
      case 'sum':
      case 'maximum':
      case 'partial':
        this.#add({ kind: 'reduce', value }, [store(value)]);
        return;
      case 'product':
        this.#add({ kind: 'product', value }, [store(value)]);
        return;
      case 'argsort':
        this.#add({ kind: 'argsort', value }, []);
        return;
      case 'any':
        for (const condition of inputs) this.#add({ kind: 'any', value, condition }, []);
        return;
      case 'repeat':
        this.#call({ kind: 'loop', value }, inputs);
        return;
      case 'concat':
        this.#concat(value, operation.axis);
        return;
      default:
        if (factorizations.has(operation.op)) this.#call({ kind: 'factorization', value }, inputs);
        else if (this.#wishes.rows.has(value)) this.#setRow(value);
        else if (this.stored(value)) this.#place(store(value), this.#wishes.apart.has(value));
    }
  }

  #concat(value: Value, axis: number): void {
    const inner = value.shape.slice(axis + 1).reduce((product, n) => product * n, 1);
    const step = (value.shape[axis] ?? 1) * inner;
    let offset = 0;
    for (const part of value.inputs) {
      const run = (part.shape[axis] ?? 1) * inner;
      const whole = part.size === run;
      this.#place({ source: part, into: value, placing: { kind: 'part', offset, run: whole ? 1 : run, step: whole ? 1 : step } });
      offset += run;
    }
  }

  #setRow(value: Value): void {
    const [whole, index, row] = [operand(value, 0), operand(value, 1), operand(value, 2)];
    const kernel = this.#place({ source: row, into: value, placing: { kind: 'row', index, rows: value.shape[0] ?? 1 } }, true);
    this.precedence.follow(
      kernel,
      (this.producers.get(whole) ?? []).filter((earlier) => earlier !== kernel),
    );
  }

  /** Work that is no shader of this compiler's. */
  #call(core: Core, operands: readonly Value[]): void {
    for (const value of operands) this.request(value);
    if (core.kind === 'map') return;
    this.#enter(core, [], undefined, new Set(operands), core.value);
  }

  #text(core: Core, roots: readonly Root[], around: Surroundings = this): KernelText | undefined {
    switch (core.kind) {
      case 'map':
        return mapText(roots, around);
      case 'reduce':
        return reduceText(core.value, roots, around);
      case 'product':
        return productText(core.value, roots, around);
      case 'argsort':
        return argsortText(core.value, around);
      case 'any':
        return anyText(core.value, core.condition, around);
      default:
        return undefined;
    }
  }

  #add(core: Exclude<Core, { kind: 'map' }>, roots: readonly Root[]): void {
    const text = this.#text(core, roots);
    const reads = readsOf(text, [core.value]);
    this.#bound(core.value, reads, roots);
    this.#enter(core, roots, text, reads, core.value);
  }

  #enter(core: Core, roots: readonly Root[], text: KernelText | undefined, reads: ReadonlySet<Value>, into: Value): Kernel {
    const kernel: Kernel = { id: this.kernels.length, core, roots, text, reads, after: new Set() };
    this.kernels.push(kernel);
    this.precedence.produces(kernel, into);
    this.#note(kernel);
    return kernel;
  }

  #note(kernel: Kernel): void {
    this.precedence.settle(kernel);
    for (const value of [...kernel.reads, ...kernel.roots.map(({ into }) => into)]) {
      // A single number that was computed, such as a bias correction, is common to all.
      if (value.size === 1 && (sizeOf(kernel) > 1 || value.operation.op !== 'input')) continue;
      const known = this.#readers.get(value) ?? [];
      if (!known.includes(kernel)) this.#readers.set(value, [...known, kernel]);
    }
  }

  /** Puts a root into a kernel that walks over as many elements and has an operand in common, or else into a new one. */
  #place(root: Root, apart = false): Kernel {
    const alone = this.#text({ kind: 'map' }, [root]);
    const reads = readsOf(alone, [root.into]);
    this.#bound(root.source, reads, [root]);
    const candidates = new Set([...reads].flatMap((value) => this.#readers.get(value) ?? []));
    const latest = [...candidates].sort((x, y) => y.id - x.id).filter((kernel) => sizeOf(kernel) === root.source.size);
    for (const kernel of apart ? [] : latest.slice(0, window)) {
      if (!this.#joins(kernel, root, reads)) continue;
      const roots = [...kernel.roots, root];
      let refused = false;
      const trial: Surroundings = {
        stored: this.stored,
        effort: this.effort,
        alone: this.alone,
        abilities: this.abilities,
        request: () => {
          refused = true;
        },
      };
      const text = this.#text(kernel.core, roots, trial);
      const all = readsOf(
        text,
        roots.map(({ into }) => into),
      );
      if (text === undefined || text.template.invalid || refused || this.#buffers(all, roots) > this.#wishes.bindings) continue;
      kernel.roots = roots;
      kernel.text = text;
      kernel.reads = all;
      this.precedence.produces(kernel, root.into);
      this.#note(kernel);
      return kernel;
    }
    return this.#enter({ kind: 'map' }, [root], alone, reads, root.into);
  }

  /** What needs more buffers than a kernel can bind is computed in parts: its operands lie in memory. */
  #bound({ inputs }: Value, reads: ReadonlySet<Value>, roots: readonly Root[]): void {
    if (this.#buffers(reads, roots) <= this.#wishes.bindings) return;
    for (const input of inputs) if (input.inputs.length > 0) this.request(input);
  }

  #joins(kernel: Kernel, root: Root, reads: ReadonlySet<Value>): boolean {
    const { core } = kernel;
    if (core.kind !== 'map' && core.kind !== 'reduce' && core.kind !== 'product') return false;
    if (root.source.size === 1 && kernel.roots.length >= singles) return false;
    // What is written elsewhere than at the element itself cannot be read by the same kernel.
    if (
      kernel.roots.some(
        ({ into, source, placing }) => into === root.into || placing?.kind === 'row' || (into !== source && reads.has(into)),
      )
    )
      return false;
    // A single number made of many reductions is work of its own: those would no longer be alike.
    if (core.kind === 'reduce' && [...reads].some((value) => value !== core.value && this.producers.has(value))) return false;
    for (const value of reads)
      for (const producer of this.producers.get(value) ?? [])
        if (producer !== kernel && this.precedence.dependsOn(producer, kernel)) return false;
    return true;
  }

  /** Buffers that a kernel would bind, all scratch counted as one. */
  #buffers(reads: ReadonlySet<Value>, roots: readonly Root[]): number {
    const all = [...reads, ...roots.map(({ into }) => into)];
    return new Set(all.map((value) => this.#wishes.buffer(value))).size;
  }

  /** Requests memory for what several kernels would compute again and again, where that is no trifle. */
  #requestShared(): void {
    const computed = this.kernels.map(({ text }) => text?.template.computed ?? []);
    for (const value of computedAgain(computed, (one) => !this.stored(one) && this.effort(one) > worthStoring)) this.request(value);
  }
}

const store = (value: Value): Root => ({ source: value, into: value, placing: undefined });

/** What a text reads: every slot that is no target. */
function readsOf(text: KernelText | undefined, targets: readonly Value[]): ReadonlySet<Value> {
  const read = (text?.template.slots ?? []).map(({ value }) => value);
  return new Set(read.filter((value) => !targets.includes(value)));
}
