import { type Block, Lifetimes, type Precedence } from '@opt/core';
import type { Kernels } from '@opt/linalg';
import { found } from './found.ts';
import { fuse, type Kernel } from './fusion.ts';
import type { Cutting } from './handed.ts';
import type { BlockPlan, LoopPlan, Turn } from './planned.ts';
import { Region } from './region.ts';
import { scratchBytes } from './scratch.ts';
import { type Alias, aliased, bytesOf, operand, type Type, type Value, Values } from './values.ts';
import { viewKey } from './view.ts';

/** Where a result has to be in the end. */
export interface Target {
  readonly region: Region;
  readonly type: Type;
}

/** The memory of an input or a loop parameter. */
export type Source = (
  operation: { readonly op: 'input'; readonly key: string } | { readonly op: 'parameter'; readonly index: number },
) => Region;

/** `cutting` says which kernels somebody else runs, or may run at the same time; those inside of loops are run here, one by one. */
export function planBlock(
  block: Block,
  source: Source,
  targets: readonly Target[],
  kernels: Kernels | undefined,
  cutting?: Cutting,
): BlockPlan {
  return new Planning(block, source, targets, kernels, cutting);
}

class Planning implements BlockPlan {
  readonly turns: readonly Turn[];
  readonly copies: { readonly from: Region; readonly to: Region }[] = [];
  readonly arena: Region = Region.scratch(0);
  readonly bytes: number;
  own = 0;
  readonly #homes = new Map<Value, Region>();
  readonly #loops = new Map<Value, LoopPlan>();
  readonly #scratches = new Map<Kernel, Region>();
  readonly #producers: ReadonlyMap<Value, readonly Kernel[]>;
  readonly #precedence: Precedence<Value, Kernel>;
  readonly #sizes: Kernels | undefined;
  readonly #own = new Set<Region>();

  constructor(block: Block, source: Source, targets: readonly Target[], sizes: Kernels | undefined, cutting: Cutting | undefined) {
    this.#sizes = sizes;
    const values = new Values(block);
    const claimed = new Map<Value, Target>();
    targets.forEach((target, i) => {
      claimed.set(claim(values, i, target.type, claimed), target);
    });
    const { kernels, producers, precedence } = fuse(values.list, [...claimed.keys()]);
    this.#producers = producers;
    this.#precedence = precedence;
    for (const value of values.list) {
      const { operation } = value;
      if (operation.op === 'input' || operation.op === 'parameter') this.#homes.set(value, source(operation));
    }
    this.#assign(values.list, claimed);
    this.#inPlace(claimed, kernels, values.list);
    const order = sorted(kernels, producers);
    this.turns = cutting?.turns(order, producers) ?? [{ kernels: order, handed: false }];
    this.bytes = this.#layOut();
  }

  home(value: Value): Region {
    return found(this.#homes.get(value), `memory of '${value.operation.op}'`);
  }

  place(value: Value): Region {
    const { value: holder, offset } = this.#holder(value);
    return offset === 0 ? this.home(holder) : this.home(holder).part(offset * bytesOf[holder.type], 0);
  }

  scratch(kernel: Kernel): Region {
    return this.#scratches.get(kernel) ?? noRegion;
  }

  loop(value: Value): LoopPlan {
    return found(this.#loops.get(value), 'the plan of a loop');
  }

  #holder(value: Value): Alias {
    return aliased(value, (at) => this.#homes.has(at));
  }

  /** Scratch of this block. */
  #fresh(bytes: number): Region {
    const region = Region.scratch(bytes);
    this.#own.add(region);
    return region;
  }

  /** Gives every produced value a region: results their target, all others scratch. */
  #assign(list: readonly Value[], claimed: ReadonlyMap<Value, Target>): void {
    const readers = new Map<Value, number>();
    for (const { inputs } of list) for (const input of inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
    for (const value of [...list].reverse()) {
      if (this.#homes.has(value) || !this.#producers.has(value)) continue;
      if (value.operation.op === 'repeat' || (value.operation.op === 'part' && value.inputs[0]?.operation.op === 'repeat')) continue;
      const region = claimed.get(value)?.region ?? this.#fresh(value.size * bytesOf[value.type]);
      this.#homes.set(value, region);
      // A row set in a value that only this reads is set where that value lies already.
      for (let at = value; at.operation.op === 'setRow'; ) {
        const whole = operand(at, 0);
        if (whole.operation.op !== 'setRow' || readers.get(whole) !== 1 || claimed.has(whole)) break;
        this.#homes.set(whole, region);
        at = whole;
      }
    }
    for (const value of list) {
      const { operation } = value;
      if (operation.op === 'repeat' && this.#producers.has(value)) this.#planLoop(value, operation);
      if (operation.op !== 'part') continue;
      const loop = operand(value, 0);
      const carry = this.#loops.get(loop)?.carry[operation.index];
      if (carry !== undefined) this.#homes.set(value, carry);
    }
  }

  #planLoop(value: Value, operation: Extract<Value['operation'], { op: 'repeat' }>): void {
    const count = operation.body.results.length;
    const carried = value.inputs.slice(0, count);
    const carry = carried.map(({ size, type }) => this.#fresh(size * bytesOf[type]));
    const flag = this.#fresh(8);
    const source: Source = (read) => {
      const index = read.op === 'parameter' ? read.index : -1;
      const held = carry[index];
      if (held !== undefined) return held;
      return this.place(operand(value, index));
    };
    const targets = carry.map((region, i) => ({ region, type: operand(value, i).type }));
    const body = planBlock(operation.body, source, targets, this.#sizes);
    const until = operation.until && planBlock(operation.until, source, [{ region: flag, type: 'f32' }], this.#sizes);
    this.#loops.set(value, { carry, body, until, flag });
  }

  /** Lets results take the memory of what they replace, where everything that reads the old value can come first. */
  #inPlace(claimed: ReadonlyMap<Value, Target>, kernels: readonly Kernel[], list: readonly Value[]): void {
    const sources = list.filter(({ operation }) => operation.op === 'input' || operation.op === 'parameter');
    const readersOf = new Map<Value, Kernel[]>(sources.map((input) => [input, []]));
    for (const kernel of kernels) for (const value of kernel.reads) readersOf.get(value)?.push(kernel);
    const oldOf = new Map<Region, Value[]>();
    for (const input of sources) {
      const { owner } = this.home(input);
      oldOf.set(owner, [...(oldOf.get(owner) ?? []), input]);
    }
    for (const [value, { region }] of claimed) {
      const old = oldOf.get(region.owner) ?? [];
      if (old.length === 0) continue;
      const writers = (this.#producers.get(value) ?? []).filter((kernel) => !this.#needless(kernel));
      const readers = old.flatMap((input) => readersOf.get(input) ?? []).filter((kernel) => !this.#needless(kernel));
      const others = readers.filter((kernel) => !writers.includes(kernel));
      const blocked =
        writers.some((writer) => readers.includes(writer) && !this.#harmless(writer, value, old)) ||
        others.some((reader) => writers.some((writer) => this.#precedence.dependsOn(reader, writer)));
      if (blocked) {
        const apart = this.#fresh(region.bytes);
        for (const [other, home] of this.#homes) if (home === region && !old.includes(other)) this.#homes.set(other, apart);
        this.copies.push({ from: apart, to: region });
      } else {
        for (const writer of writers) this.#precedence.follow(writer, others);
      }
    }
  }

  /** The copy before a row is set, where the row is set in place. */
  #needless({ work }: Kernel): boolean {
    return work.kind === 'copy' && this.home(work.value) === this.#homes.get(this.#holder(operand(work.value, 0)).value);
  }

  /** Whether a kernel reads each element of the old value before it writes the new one. */
  #harmless({ work }: Kernel, value: Value, old: readonly Value[]): boolean {
    if (work.kind === 'copy') return false;
    if (work.kind === 'call') {
      // A product adds to what is there; what it multiplies must lie elsewhere.
      if (work.value.operation.op !== 'matmul') return false;
      const [a, b, , c] = work.value.inputs.map((input) => this.#holder(input));
      const reads = [a, b].some((factor) => factor !== undefined && old.includes(factor.value));
      return (
        !reads && !work.factors.some((factor) => factor !== undefined && old.some((input) => factor.reads.has(input))) && c?.offset === 0
      );
    }
    const root = work.body.roots.find((placed) => placed.root.into === value);
    if (root === undefined) return false;
    if (root.root.kind === 'reduce') return root.view.steps.every((step) => step === 0);
    return work.body.instances.every(({ read }) => {
      if (read === undefined || !old.includes(read.value)) return true;
      return (
        viewKey(read.view) === viewKey(root.view) &&
        read.row?.index === root.rowIndex &&
        this.home(read.value).address === this.home(value).address
      );
    });
  }

  #layOut(): number {
    const lifetimes = new Lifetimes<Region>();
    const use = (region: Region, time: number): void => {
      if (this.#own.has(region.owner)) lifetimes.use(region.owner, time);
    };
    let time = 0;
    for (const { kernels, handed, together = false } of this.turns) {
      for (const kernel of kernels) {
        for (const value of kernel.reads) use(this.home(value), time);
        for (const value of producedBy(kernel)) if (this.#homes.has(value)) use(this.home(value), time);
        if (handed) continue;
        this.#makeScratch(kernel, (region) => use(region, time), together);
        if (!together) time++;
      }
      // What is handed over or run together is done in any order: all of its memory is in use at once.
      if (handed || together) time++;
    }
    for (const { from } of this.copies) use(from, time);
    return lifetimes.layOut({ alignment: 64 }, (region, offset) => region.moveInto(this.arena, offset));
  }

  /** What a kernel needs beside what it reads and writes. */
  #makeScratch(kernel: Kernel, use: (region: Region) => void, together: boolean): void {
    const loop = kernel.work.kind === 'call' ? this.#loops.get(kernel.work.value) : undefined;
    for (const region of loop?.carry ?? []) use(region);
    if (loop !== undefined) use(loop.flag);
    const bytes = loop === undefined ? scratchBytes(kernel, this.#sizes) : loop.body.bytes + (loop.until?.bytes ?? 0);
    if (bytes === 0) return;
    if (together && loop === undefined) {
      this.own = Math.max(this.own, bytes);
      this.#scratches.set(kernel, Region.own(bytes));
      return;
    }
    const scratch = this.#fresh(bytes);
    this.#scratches.set(kernel, scratch);
    use(scratch);
    loop?.body.arena.moveInto(scratch, 0);
    loop?.until?.arena.moveInto(scratch, loop.body.bytes);
  }
}

const noRegion = Region.fixed(0, 0);

const producedBy = ({ work }: Kernel): readonly Value[] => (work.kind === 'loop' ? work.roots.map(({ into }) => into) : [work.value]);

/** The value that is to lie in a target: a result nothing else has claimed, or else a copy of it. */
function claim(values: Values, i: number, type: Type, claimed: ReadonlyMap<Value, unknown>): Value {
  let value = values.cast(found(values.results[i], `result ${i}`), type);
  while (value.operation.op === 'reshape') value = operand(value, 0);
  const { op } = value.operation;
  const owned = op === 'input' || op === 'parameter' || (op === 'part' && operand(value, 0).operation.op === 'repeat');
  return owned || claimed.has(value) ? values.add({ op: 'copy' }, [value], value.shape, type) : value;
}

/** Kernels in an order that respects what they read, otherwise as they come. */
function sorted(kernels: readonly Kernel[], producers: ReadonlyMap<Value, readonly Kernel[]>): readonly Kernel[] {
  const order = new Set<Kernel>();
  const visit = (kernel: Kernel): void => {
    if (order.has(kernel)) return;
    for (const value of kernel.reads) for (const producer of producers.get(value) ?? []) if (producer !== kernel) visit(producer);
    for (const earlier of kernel.after) visit(earlier);
    order.add(kernel);
  };
  for (const kernel of kernels) visit(kernel);
  return [...order];
}
