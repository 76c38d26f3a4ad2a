/// <reference lib="dom" preserve="true" />
import { BackendError } from '@opt/core';
import type { Dispatch, Factorizations, Place } from './dispatch.ts';
import type { Stretch } from './memory.ts';
import { found } from './plan/found.ts';
import type { Region } from './plan/region.ts';
import type { BlockPlan, Member, Step } from './plan/step.ts';
import type { Value } from './plan/value.ts';
import { factorizationOf, tooLarge } from './requests.ts';
import { loopText, type Phase } from './wgsl/loop.ts';
import { rowLength, rowOf, shaderText } from './wgsl/shader.ts';

/** A buffer that a dispatch binds: a tensor's, a part of scratch by its number, or that of flags. */
export type Bound = Stretch | number | 'flags';

/** One dispatch of a fused shader. */
export interface Linked {
  readonly kind: 'shader';
  readonly wgsl: string;
  readonly storages: readonly Bound[];
  /** Where its table is among all tables, in bytes, and how long. */
  readonly table: { readonly offset: number; readonly bytes: number };
  readonly hosts: boolean;
  readonly workgroups: readonly [number, number, number];
  readonly bytes: number;
}

export type Item =
  | Linked
  | { readonly kind: 'host'; readonly value: Value; readonly inputs: readonly Region[]; readonly output: Region }
  | { readonly kind: 'factorization'; dispatches(place: (region: Region) => Place): readonly Dispatch[] }
  | { readonly kind: 'loop'; readonly times: number; readonly round: readonly Item[] };

export interface LinkLimits {
  readonly bindings: number;
  readonly uniformBytes: number;
  readonly alignment: number;
  readonly workgroups: number;
  /** Bytes of one part of scratch. */
  readonly chunk: number;
}

/** A loop as one member of a dispatch of its own. */
function aloneMember({ times, until, body, ended }: Extract<Step, { kind: 'loop' }>): Member {
  const phases = (plan: BlockPlan | undefined): readonly (readonly Member[])[] =>
    (plan?.steps ?? []).map((step) => (step.kind === 'shader' ? step.members : []));
  const texts = (all: readonly (readonly Member[])[]): readonly Phase[] => all.map((members) => members.map(({ text }) => text));
  const [test, round] = [phases(until), phases(body)];
  const slots = [...test, ...round].flat().flatMap((member) => member.slots);
  const flag = until === undefined ? [] : [{ region: ended, offset: 0 }];
  return { text: loopText(times, texts(test), texts(round)), slots: [...slots, ...flag] };
}

/** Turns a plan into dispatches: members of one step become as few as bindings and tables allow. */
export class Linker {
  readonly #limits: LinkLimits;
  readonly #factorizations: Factorizations;
  readonly #hosts: number;
  readonly #tables: number[] = [];

  /** `hosts`: host scalars of the program. */
  constructor(limits: LinkLimits, factorizations: Factorizations, hosts: number) {
    this.#limits = limits;
    this.#factorizations = factorizations;
    // The number of the run comes first.
    this.#hosts = 2 ** Math.ceil(Math.log2(Math.ceil((1 + hosts) / 4)));
  }

  /** Numbers of the uniform buffer of the run's number and host scalars. */
  get hosts(): number {
    return 4 * this.#hosts;
  }

  get tables(): Uint32Array<ArrayBuffer> {
    return Uint32Array.from(this.#tables);
  }

  /** `stops`: flags of the loops around, which end the work if one is set. */
  items(plan: BlockPlan, stops: readonly Region[] = []): readonly Item[] {
    return plan.steps.flatMap((step) => this.#step(step, stops));
  }

  #step(step: Step, stops: readonly Region[]): readonly Item[] {
    if (step.kind === 'loop') {
      const { times, until, body, ended } = step;
      const whole = step.alone ? aloneMember(step) : undefined;
      if (whole !== undefined && this.#buffers(whole, stops).size <= this.#limits.bindings) return [this.#dispatch([whole], stops)];
      const inside = until === undefined ? stops : [...stops, ended];
      const round: readonly Item[] = [...(until === undefined ? [] : this.items(until, inside)), ...this.items(body, inside)];
      const large = round.find((item) => item.kind === 'host');
      if (large?.kind === 'host') throw tooLarge(large.value, 'inside of a loop the host cannot do it instead');
      return [{ kind: 'loop', times, round }];
    }
    if (step.kind === 'factorization') {
      const { value, batch, inputs, output, scratch } = step;
      const factorization = factorizationOf(value, batch, this.#factorizations);
      if (factorization === undefined) return [{ kind: 'host', value, inputs, output }];
      return [
        {
          kind: 'factorization',
          dispatches: (place) =>
            factorization.dispatches({ inputs: inputs.map(place), output: place(output), scratch: scratch.map(place) }),
        },
      ];
    }
    return this.#split(step.members, stops).map((members) => this.#dispatch(members, stops));
  }

  #bound(region: Region): Bound {
    const { held, flags } = region.owner;
    if (flags) return 'flags';
    return held === undefined ? Math.floor(region.start / this.#limits.chunk) : held.buffer;
  }

  /** Elements from the start of the buffer that is bound. */
  #offset(region: Region): number {
    const { held } = region.owner;
    return (held === undefined ? region.start % this.#limits.chunk : held.offset + region.start) / 4;
  }

  #buffers({ slots }: Member, stops: readonly Region[]): Set<Bound> {
    return new Set([...slots.map(({ region }) => region), ...stops].map((region) => this.#bound(region)));
  }

  #split(members: readonly Member[], stops: readonly Region[]): Member[][] {
    const groups: { members: Member[]; buffers: Set<Bound> }[] = [];
    for (const member of members) {
      const buffers = this.#buffers(member, stops);
      if (buffers.size > this.#limits.bindings)
        throw new BackendError(
          `webgpu: one kernel needs ${buffers.size} storage buffers, the device binds ${this.#limits.bindings} (maxStorageBuffersPerShaderStage)`,
        );
      const last = groups.at(-1);
      const joined = new Set([...(last?.buffers ?? []), ...buffers]);
      // With several buffers to choose from, a slot takes two numbers of a row.
      const bytes =
        16 *
        Math.ceil(
          (2 + 2 * (member.slots.length + stops.length) + member.text.template.hosts.length + member.text.template.words.length) / 4,
        );
      const rows = 2 ** Math.ceil(Math.log2((last?.members.length ?? 0) + 1));
      if (last !== undefined && joined.size <= this.#limits.bindings && rows * bytes <= this.#limits.uniformBytes) {
        last.members.push(member);
        for (const buffer of buffers) last.buffers.add(buffer);
      } else groups.push({ members: [member], buffers });
    }
    return groups.map((group) => group.members);
  }

  #dispatch(members: readonly Member[], stops: readonly Region[]): Linked {
    const { text } = found(members[0], 'a member');
    const places = members.map(({ slots }) => [...slots, ...stops.map((region) => ({ region, offset: 0 }))]);
    const storages: Bound[] = [];
    const bindingOf = (bound: Bound): number => {
      const known = storages.indexOf(bound);
      return known >= 0 ? known : storages.push(bound) - 1;
    };
    const bindings = places.map((slots) => slots.map(({ region }) => bindingOf(this.#bound(region))));
    const slots = (places[0] ?? []).map((_, i): number | readonly number[] => {
      const all = [...new Set(bindings.map((own) => own[i] ?? 0))];
      return all.length === 1 ? (all[0] ?? 0) : all;
    });
    const rows = 2 ** Math.ceil(Math.log2(members.length));
    const linkage = { members: rows, bindings: storages.length, slots, stops: stops.length, hosts: this.#hosts };
    const row = 4 * Math.ceil(rowLength(text, linkage) / 4);
    const table = new Array<number>(rows * row).fill(0xffffffff);
    let first = 0;
    members.forEach((member, i) => {
      const offsets = (places[i] ?? []).map(({ region, offset }) => this.#offset(region) + offset);
      const choices = slots.flatMap((slot, k) => (typeof slot === 'number' ? [] : [slot.indexOf(bindings[i]?.[k] ?? 0)]));
      rowOf(member.text, first, offsets, choices).forEach((number, k) => {
        table[i * row + k] = number;
      });
      first += member.text.workgroups;
    });
    const most = this.#limits.workgroups;
    return {
      kind: 'shader',
      wgsl: shaderText(text, linkage),
      storages,
      table: { offset: this.#store(table), bytes: 4 * table.length },
      hosts: text.template.hosts.length > 0,
      workgroups: first <= most ? [first, 1, 1] : [most, Math.ceil(first / most), 1],
      bytes: members.reduce((sum, member) => sum + member.text.bytes, 0),
    };
  }

  #store(table: readonly number[]): number {
    const step = this.#limits.alignment / 4;
    while (this.#tables.length % step !== 0) this.#tables.push(0);
    const offset = 4 * this.#tables.length;
    for (const number of table) this.#tables.push(number);
    return offset;
  }
}
