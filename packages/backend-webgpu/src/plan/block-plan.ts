import { type Block, Lifetimes } from '@opt/core';
import { sideBySide } from '../wgsl/side-by-side.ts';
import { append } from './append.ts';
import { claimed } from './claims.ts';
import { found } from './found.ts';
import { fuse } from './fusion.ts';
import { type Kernel, type KernelText, writtenBy } from './kernel.ts';
import { isSmall, loopOf } from './loops.ts';
import { ordered } from './order.ts';
import { Region } from './region.ts';
import { type Group, withRiders } from './riders.ts';
import type { BlockPlan, Bounds, Member, Source, Step } from './step.ts';
import { operand, type Value } from './value.ts';
import { Values } from './values.ts';
import type { Fused } from './wishes.ts';

/** `inside`: the block is a part of a loop, or of one of which one workgroup is to do everything. */
export function planBlock(block: Block, source: Source, targets: readonly Region[], bounds: Bounds, inside?: 'loop' | 'alone'): BlockPlan {
  const values = new Values(block, inside === undefined);
  const claims = claimed(values, source, targets);
  const apart = new Set<Value>();
  const whole = new Set<Value>();
  for (;;) {
    const planning = new Planning(values, claims, apart, whole, source, bounds, inside === 'alone');
    if (planning.refused.size === 0) return planning.finish();
    for (const value of planning.refused) {
      const region = claims.get(value);
      if (planning.rows.has(value)) whole.add(value);
      if (planning.rows.has(value) || region === undefined) continue;
      // Computed elsewhere, and copied when everybody has read the old value.
      const copy = values.add({ op: 'copy' }, [value], value.shape);
      claims.delete(value);
      claims.set(copy, region);
      apart.add(copy);
    }
  }
}

class Planning implements BlockPlan {
  readonly arena: Region = Region.scratch(0);
  readonly steps: Step[] = [];
  bytes = 0;
  flags = 0;
  /** Results that cannot be computed where they are to lie. */
  readonly refused = new Set<Value>();
  /** Values made by setting a row where the others lie. */
  readonly rows: ReadonlySet<Value>;
  readonly #values: Values;
  readonly #claims: ReadonlyMap<Value, Region>;
  readonly #source: Source;
  readonly #bounds: Bounds;
  readonly #homes = new Map<Value, Region>();
  readonly #own = new Set<Region>();
  readonly #fused: Fused;
  readonly #alone: boolean;

  constructor(
    values: Values,
    claims: ReadonlyMap<Value, Region>,
    apart: ReadonlySet<Value>,
    whole: ReadonlySet<Value>,
    source: Source,
    bounds: Bounds,
    alone: boolean,
  ) {
    this.#values = values;
    this.#claims = claims;
    this.#source = source;
    this.#bounds = bounds;
    this.#alone = alone;
    for (const value of values.list) {
      const { operation } = value;
      if (operation.op === 'input' || operation.op === 'parameter') this.#homes.set(value, source(operation));
    }
    this.rows = this.#rowsInPlace(whole);
    for (const [value, region] of claims) this.#homes.set(value, region);
    const targets = new Set([...claims.keys(), ...[...apart].flatMap(({ inputs }) => inputs)]);
    this.#fused = fuse(values.list, {
      targets,
      rows: this.rows,
      apart,
      alone,
      bindings: bounds.bindings,
      abilities: bounds.abilities,
      buffer: (value) => this.#buffer(value),
    });
    this.#inPlace();
  }

  finish(): BlockPlan {
    this.#assign();
    this.#schedule();
    return this;
  }

  readonly #home = (value: Value): Region => found(this.#homes.get(value), `memory of '${value.operation.op}'`);

  /** The buffer in which a value lies; all scratch is one. */
  #buffer(value: Value): unknown {
    const owner = this.#homes.get(value)?.owner;
    return owner?.flags === true ? 'flags' : owner?.held?.buffer;
  }

  #fresh(bytes: number): Region {
    const region = Region.scratch(bytes);
    this.#own.add(region);
    return region;
  }

  /** Rows set in a value that nothing else reads, which lies where the result is to lie: only the row is written. */
  #rowsInPlace(whole: ReadonlySet<Value>): ReadonlySet<Value> {
    const rows = new Set<Value>();
    const readers = new Map<Value, number>();
    for (const { inputs } of this.#values.list) for (const input of inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
    for (const [claim, region] of this.#claims) {
      const chain: Value[] = [];
      let value = claim;
      while (value.operation.op === 'setRow' && (value === claim || (readers.get(value) === 1 && !this.#claims.has(value)))) {
        chain.push(value);
        value = operand(value, 0);
      }
      if (chain.length === 0 || whole.has(claim) || this.#homes.get(value)?.owner !== region.owner) continue;
      for (const link of chain) {
        rows.add(link);
        this.#homes.set(link, region);
      }
    }
    return rows;
  }

  /** Sees to it that everything that reads an old value comes before it is written over. */
  #inPlace(): void {
    const { kernels, producers, precedence } = this.#fused;
    const readersOf = new Map<Region, Kernel[]>();
    for (const kernel of kernels) {
      for (const value of kernel.reads) {
        const { op } = value.operation;
        if (op !== 'input' && op !== 'parameter') continue;
        const { owner } = this.#home(value);
        append(readersOf, owner, kernel);
      }
    }
    for (const [value, region] of this.#claims) {
      const readers = readersOf.get(region.owner) ?? [];
      if (readers.length === 0) continue;
      const writers: Kernel[] = [];
      for (let at = value; ; at = operand(at, 0)) {
        writers.push(...(producers.get(at) ?? []));
        if (!this.rows.has(at) || !this.rows.has(operand(at, 0))) break;
      }
      const others = readers.filter((kernel) => !writers.includes(kernel));
      const blocked =
        writers.some((writer) => readers.includes(writer) && !this.#harmless(writer, value, region)) ||
        others.some((reader) => writers.some((writer) => precedence.dependsOn(reader, writer)));
      if (blocked) this.refused.add(value);
      else for (const writer of writers) precedence.follow(writer, others);
    }
  }

  /** Whether a kernel reads each element of the old value before it writes the new one. */
  #harmless({ text, roots }: Kernel, value: Value, region: Region): boolean {
    const root = roots.find(({ into }) => into === value);
    if (root === undefined || root.placing !== undefined || text === undefined) return false;
    return text.template.slots.every((slot) => {
      const { op } = slot.value.operation;
      if ((op !== 'input' && op !== 'parameter') || this.#home(slot.value).owner !== region.owner) return true;
      return slot.plain && slot.offset === 0;
    });
  }

  /** Gives every value that needs memory scratch; a loop leaves its results where it carried them. */
  #assign(): void {
    const flags = Region.flags();
    for (const kernel of this.#fused.kernels) {
      for (const value of writtenBy(kernel)) {
        if (this.#homes.has(value)) continue;
        this.#homes.set(value, kernel.core.kind === 'any' ? flags.part(4 * this.flags++, 4) : this.#fresh(4 * value.size));
      }
    }
    for (const value of this.#values.list) {
      const { operation } = value;
      if (operation.op !== 'part') continue;
      const whole = operand(value, 0);
      if (whole.operation.op === 'repeat') {
        const carried = this.#homes.get(operand(whole, operation.index));
        if (carried !== undefined) this.#homes.set(value, carried);
      }
    }
  }

  #schedule(): void {
    const { kernels, producers } = this.#fused;
    const alike = ordered(kernels, producers, keyOf);
    const groups = this.#alone ? alike.map((group): Group => ({ kernels: group, riders: [] })) : withRiders(alike, producers, this.#binds);
    const lifetimes = new Lifetimes<Region>();
    const use = (region: Region, time: number): void => {
      if (this.#own.has(region.owner)) lifetimes.use(region.owner, time);
    };
    // Batches first: they bring regions together.
    const steps = groups.map((group) => this.#step(group));
    groups.forEach((group, time) => {
      for (const kernel of [...group.kernels, ...group.riders]) {
        for (const value of [...kernel.reads, ...writtenBy(kernel)]) use(this.#home(value), time);
      }
      const step = steps[time];
      for (const region of step?.kind === 'factorization' ? step.scratch : []) use(region, time);
      if (step?.kind !== 'loop') return;
      for (const plan of [step.body, step.until]) {
        if (plan === undefined || plan.bytes === 0) continue;
        const inside = this.#fresh(plan.bytes);
        plan.arena.moveInto(inside, 0);
        use(inside, time);
      }
    });
    // Members of a dispatch read where they lie only now, when every region has its place.
    this.bytes = lifetimes.layOut(this.#bounds, (region, offset) => region.moveInto(this.arena, offset));
    this.steps.push(...steps);
  }

  /** Whether every dispatch of one of these kernels with those riding along can bind its buffers, one more left for scratch in parts. */
  readonly #binds = (kernels: readonly Kernel[], riders: readonly Kernel[]): boolean => {
    const buffers = (kernel: Kernel): unknown[] => [...kernel.reads, ...writtenBy(kernel)].map((value) => this.#buffer(value));
    const beside = riders.flatMap(buffers);
    return kernels.every((kernel) => new Set([...buffers(kernel), ...beside]).size < this.#bounds.bindings);
  };

  #step({ kernels, riders }: Group): Step {
    const [first] = kernels;
    const core = found(first, 'a kernel').core;
    if (core.kind === 'loop') return this.#loop(core.value);
    if (core.kind === 'factorization') return this.#factorization(kernels, core.value);
    const [own, beside] = [kernels, riders].map((group) => group.map((kernel) => found(kernel.text, 'the text of a kernel')));
    const [host, rider] = [own?.[0], beside?.[0]];
    if (host === undefined || rider === undefined) return { kind: 'shader', members: (own ?? []).map((text) => this.#member(text)) };
    const texts = [
      ...(own ?? []).map((text) => sideBySide([text, rider], 0)),
      ...(beside ?? []).map((text) => sideBySide([host, text], 1)),
    ];
    return { kind: 'shader', members: texts.map((text) => this.#member(text)) };
  }

  #member(text: KernelText): Member {
    return { text, slots: text.template.slots.map(({ value, offset }) => ({ region: this.#home(value), offset })) };
  }

  /** Matrices of one batch are brought together, operands and results. */
  #factorization(group: readonly Kernel[], value: Value): Step {
    const batch = group.length;
    const members = group.map(({ core }) => (core.kind === 'map' ? value : core.value));
    const together = (parts: readonly Value[], place: (value: Value, whole: Region, i: number) => void): Region => {
      const whole = this.#fresh(parts.reduce((sum, part) => sum + 4 * part.size, 0));
      parts.forEach((part, i) => {
        place(part, whole, i);
      });
      return whole;
    };
    const inputs = value.inputs.map((_, i) =>
      together(
        members.map((member) => operand(member, i)),
        (part, whole, k) => this.#home(part).moveInto(whole, 4 * k * part.size),
      ),
    );
    const output = together(members, (part, whole, k) => {
      this.#home(part).moveInto(whole, 4 * k * part.size);
      if (part.operation.op !== 'eigh') return;
      // All values, then all vectors.
      const n = part.shape.at(-1) ?? 1;
      const matrices = part.size / (n * (n + 1));
      for (const one of this.#values.list) {
        if (one.operation.op !== 'part' || one.inputs[0] !== part) continue;
        const [start, each] = one.operation.index === 0 ? [0, matrices * n] : [batch * matrices * n, matrices * n * n];
        this.#homes.set(one, whole.part(4 * (start + k * each), 4 * each));
      }
    });
    const scratch = this.#bounds.scratch(value, batch).map((bytes) => this.#fresh(bytes));
    return { kind: 'factorization', value, batch, inputs, output, scratch };
  }

  #loop(value: Value): Step {
    const operation = loopOf(value);
    const carried = operation.body.results.length;
    const carry = value.inputs.slice(0, carried).map((input) => this.#home(input));
    const ended = this.#home(found(value.inputs.at(-1), 'the flag of a loop'));
    const source: Source = (read) => (read.op === 'parameter' ? this.#home(operand(value, read.index)) : this.#source(read));
    const alone = isSmall(operation.body) && (operation.until === undefined || isSmall(operation.until));
    const inside = alone ? 'alone' : 'loop';
    const body = planBlock(operation.body, source, carry, this.#bounds, inside);
    const until = operation.until && planBlock(operation.until, source, [ended], this.#bounds, inside);
    return { kind: 'loop', times: operation.times, until, body, ended, alone };
  }
}

/** Kernels of one key may be one dispatch. */
function keyOf({ id, core, text }: Kernel): string {
  if (core.kind === 'loop') return `loop ${id}`;
  if (core.kind === 'factorization')
    return `${JSON.stringify(core.value.operation)} ${core.value.inputs.map(({ shape }) => shape.join()).join(';')}`;
  return `${text?.workgroupSize} ${text?.text}`;
}
