import { OptionTypeError, TransformError } from '../../errors.ts';
import { silently, warn } from '../../log.ts';
import { checkValue, type Hyper, message, type Scalar } from '../../options/hyper.ts';
import { elementBytes } from '../../program/cost.ts';
import { type Precision, precisions } from '../../program/precision.ts';
import { type Shape, size } from '../../program/shape.ts';
import { own } from '../../records.ts';
import type { Slot } from '../../transform/slot.ts';
import type { About, Declarer, Need, Shapes, Transform } from '../../transform/transform.ts';
import { didYouMean } from '../../validation/names.ts';
import { askedFor, type Narrowed } from '../memory/narrowed.ts';
import { hash } from '../memory/randomness.ts';
import { type Part, type Storage, storageOf } from '../memory/storage.ts';
import { checkedName, checkedSlot } from './checked-slot.ts';
import { skippedKey, slotKey } from './slot-keys.ts';

export interface DeclaredSlot {
  readonly key: string;
  readonly owner: string;
  readonly slot: Slot;
}

/** One buffer of a slot, with what the slot is. */
export interface DeclaredPart {
  readonly key: string;
  readonly owner: string;
  readonly slot: Omit<Slot, 'dtype'> & Pick<Part, 'dtype'>;
  /** The slot it belongs to. */
  readonly of: DeclaredSlot;
}

const nothing: About = {};

/** What an objective can offer beside gradients, and what it can be asked in the middle of a step. */
const offered: ReadonlySet<string> = new Set(['loss', 'hvp', 'perSampleGradients']);
const evaluable: ReadonlySet<string> = new Set(['gradient', 'loss', 'hvp']);

/** A product that is asked for before the step, by the probe pass. */
export const isProbed = ({ what, evaluated }: Need): boolean => what === 'hvp' && evaluated === undefined;

/** Everything a transform declares for given parameters: known before anything is traced. */
export class Layout {
  readonly slots: Map<string, DeclaredSlot> = new Map();
  /** Slots by the wrapper that holds them: `path|label`. */
  readonly scopes: Map<string, DeclaredSlot[]> = new Map();
  /** Hyperparameters, with the path of every stage that holds them. */
  readonly hypers: Map<Hyper, string[]> = new Map();
  /** What steps need beside gradients. */
  readonly needs: Need[] = [];
  /** Parameters that have rules of their own, by the path of those. */
  readonly groups: Map<string, readonly string[]> = new Map();
  readonly parameters: Shapes;
  /** Whether a stage said that steps take long. */
  slow = false;
  /** Where parameters are stepped apart: whether something is needed of all of them, and whether some are stepped without a gradient. */
  readonly apart: Set<'joint' | 'late'> = new Set();
  /** What is to be traced once at its place before anything is. */
  readonly rehearsals: { readonly path: string; readonly f: Parameters<NonNullable<Declarer['rehearse']>>[0] }[] = [];
  readonly deviceDecides: boolean;
  /** What happens to a step that is dropped. */
  otherwise: 'skip' | 'throw' = 'skip';
  /** Whether any stage drops calls with gradients that are not finite. */
  guarded = false;
  /** What working precision holds. */
  readonly precision: Precision;
  /** What was said about parameters, by name. */
  readonly said: Readonly<Record<string, About>>;
  /** What was said about how state is held. */
  readonly narrowed: Narrowed | undefined;

  constructor(
    transform: Transform,
    parameters: Shapes,
    deviceDecides: boolean,
    precision: Precision['name'] = 'f32',
    said: Readonly<Record<string, About>> = {},
    narrowed?: Narrowed,
  ) {
    this.said = said;
    this.narrowed = narrowed;
    this.parameters = parameters;
    this.deviceDecides = deviceDecides;
    this.precision = precisions[precision];
    if (deviceDecides) this.add({ key: skippedKey, owner: '', slot: { shape: [], kind: 'invariant', counts: 'dropped' } });
    transform.declare(parameters, this.at('', []));
  }

  about(owner: string): About {
    return own(this.said, owner) ?? nothing;
  }

  /** The buffers that a checkpoint holds: all but counts that only a device keeps, which are the counters of the file. */
  saved(): DeclaredPart[] {
    return this.stateful().flatMap((declared) => this.partsOf(declared));
  }

  /** The slots they belong to. */
  stateful(): DeclaredSlot[] {
    return [...this.slots.values()].filter(({ slot }) => slot.counts === undefined);
  }

  private readonly storages = new Map<string, Storage>();
  private readonly roundings = new Map<string, { readonly stream: number; readonly half: 0 | 1 }>();

  counts(): DeclaredSlot[] {
    return [...this.slots.values()].filter(({ slot }) => slot.counts !== undefined);
  }

  /** Bytes of state, with `working` elements of the given size. */
  bytes(working: number): number {
    const parts = [...this.slots.keys()].flatMap((key) => this.storage(key).parts);
    return parts.reduce((sum, { shape, dtype }) => sum + size(shape) * elementBytes(dtype, working), 0);
  }

  /** How a slot is held. */
  storage(key: string): Storage {
    const known = this.storages.get(key);
    if (known !== undefined) return known;
    const slot = this.slots.get(key)?.slot;
    if (slot === undefined) throw new TransformError(`slot '${key}' is used but was not declared`);
    const made = storageOf(key, slot, askedFor(this.narrowed, slot));
    this.storages.set(key, made);
    return made;
  }

  /** Which random bits a narrow slot is rounded by: two of one owner have the halves of a word, since their loop is often the same. */
  rounding(key: string): { readonly stream: number; readonly half: 0 | 1 } {
    if (this.roundings.size === 0) {
      const counts = new Map<string, number>();
      for (const { key: own, owner } of this.slots.values()) {
        if (this.storage(own).narrow === undefined) continue;
        const count = counts.get(owner) ?? 0;
        counts.set(owner, count + 1);
        this.roundings.set(own, { stream: hash(`rounding ${count >> 1}:${owner}`), half: count % 2 === 0 ? 0 : 1 });
      }
    }
    const found = this.roundings.get(key);
    if (found === undefined) throw new TransformError(`slot '${key}' is not narrow`);
    return found;
  }

  /** The buffers of a slot. */
  private partsOf(of: DeclaredSlot): DeclaredPart[] {
    const { key, owner, slot } = of;
    const { parts } = this.storage(key);
    return parts.map((part) => ({ key: part.key, owner, slot: { ...slot, shape: part.shape, dtype: part.dtype }, of }));
  }

  /** A name that no other hyperparameter has: `learningRate`, or with the path in front where several share it. */
  address(hyper: Hyper): string {
    const paths = this.hypers.get(hyper);
    if (paths === undefined) throw new TransformError(`${hyper.rule}: hyperparameter '${hyper.name}' is used but was not declared`);
    const alone = [...this.hypers.keys()].every((other) => other === hyper || other.name !== hyper.name);
    return alone ? hyper.name : `${paths[0]}/${hyper.name}`;
  }

  /** The hyperparameters that stages at a path or inside of it hold. */
  within(path: string): Hyper[] {
    const inside = (one: string): boolean => path === '' || one === path || one.startsWith(`${path}/`);
    return [...this.hypers].flatMap(([hyper, paths]) => (paths.some(inside) ? [hyper] : []));
  }

  /** The one hyperparameter that `address` means: its name, with enough of the path in front to tell it from others. */
  find(address: string): Hyper {
    if (typeof address !== 'string') throw new OptionTypeError(message('set', 'the address', "a name such as 'learningRate'", address));
    const segments = address.split('/');
    const name = segments.at(-1);
    const prefix = segments.slice(0, -1).join('/');
    const matches = [...this.hypers].filter(
      ([hyper, paths]) => hyper.name === name && paths.some((path) => path === prefix || prefix === '' || path.startsWith(`${prefix}/`)),
    );
    const [only] = matches;
    if (only !== undefined && matches.length === 1) return only[0];
    const known = [...this.hypers.keys()].map((hyper) => this.address(hyper));
    const [what, meant] = only === undefined ? ['no hyperparameter', didYouMean(address, known)] : ['ambiguous', ''];
    throw new TransformError(`set: '${address}' is ${what}, known are ${known.join(', ')}${meant}`);
  }

  /** The shape of what a slot starts from that starts from its parameter. */
  private startOf(owner: string, { joins }: Slot): Shape | undefined {
    return joins === undefined ? own(this.parameters, owner) : [Object.values(joins).reduce((sum, shape) => sum + size(shape), 0)];
  }

  private at(path: string, open: readonly string[]): Declarer {
    return {
      path,
      deviceDecides: this.deviceDecides,
      about: (owner) => this.about(owner),
      child: (name) => this.at(name === '' ? path : path === '' ? checkedName(name) : `${path}/${checkedName(name)}`, open),
      slot: (name, owner, slot) =>
        this.add({ key: slotKey(path, name, owner), owner, slot: checkedSlot(`${path}.${name}`, name, slot, this.startOf(owner, slot)) }),
      hyper: (hyper) => this.live(hyper, path),
      needs: (need) => this.need(need),
      guards: (otherwise) => this.guard(otherwise),
      slow: (message) => this.sayOnce(message),
      apart: (how) => void this.apart.add(how),
      group: (label, parameters) => this.group(path === '' ? label : `${path}/${label}`, parameters),
      scope: (label, f) => this.record(`${path}|${label}`, f),
      rehearse: (f) => void this.rehearsals.push({ path, f }),
    };
  }

  private sayOnce(message: string): void {
    if (!this.slow) warn(message);
    this.slow = true;
  }

  private readonly recording: DeclaredSlot[][] = [];

  private record(id: string, f: () => void): void {
    const slots = this.scopes.get(id) ?? [];
    this.scopes.set(id, slots);
    this.recording.push(slots);
    try {
      f();
    } finally {
      this.recording.pop();
    }
  }

  private guard(otherwise: 'skip' | 'throw'): void {
    this.guarded = true;
    if (otherwise === 'skip') return;
    if (this.deviceDecides)
      throw new OptionTypeError("nonFinite must be 'skip' on a backend that cannot be read within a step, received 'throw'");
    this.otherwise = otherwise;
  }

  /** A rule may divide its parameters more than once, by the same labels. */
  private group(path: string, parameters: readonly string[]): void {
    this.groups.set(path, [...new Set([...(this.groups.get(path) ?? []), ...parameters])]);
  }

  private live(hyper: Hyper, path: string): void {
    if (typeof hyper.value === 'number') checkValue(hyper, hyper.value, this.precision);
    this.hypers.set(hyper, [...(this.hypers.get(hyper) ?? []), path]);
  }

  private need(need: Need): void {
    if (need.evaluated !== undefined && !evaluable.has(need.what))
      throw new TransformError(
        `${need.by} needs ${need.what}, which cannot be asked for in the middle of a step; known are gradient, loss, hvp`,
      );
    if (need.evaluated !== undefined && need.differences !== undefined)
      throw new TransformError(
        `${need.by} needs ${need.what} of differences, which it has to take itself: of two gradients asked for by evaluate`,
      );
    if (need.evaluated === undefined && !offered.has(need.what))
      throw new TransformError(
        `${need.by} needs ${need.what}, which only a basis can offer${need.hint === undefined ? '' : `: ${need.hint}`}`,
      );
    const other = isProbed(need) ? this.needs.find(isProbed) : undefined;
    if (other !== undefined)
      throw new TransformError(`${other.by} and ${need.by} both need hvp, but a step has one product for the whole model`);
    this.needs.push(need);
  }

  private add(slot: DeclaredSlot): void {
    if (this.slots.has(slot.key))
      throw new TransformError(`two stages declare the slot '${slot.key}'; give one a name of its own with named('…', stage)`);
    this.slots.set(slot.key, slot);
    for (const scope of this.recording) scope.push(slot);
  }
}

/** The live hyperparameters of a transform over parameters of these shapes, before there is an optimizer. What it warns of goes unsaid. */
export interface Hyperparameters {
  /** Where each one starts, by its address. */
  readonly values: ReadonlyMap<string, Scalar>;
  /** The one that an address means, as in `optimizer.set`. @throws TransformError if it is none, or one of several */
  find(address: string): { readonly address: string; readonly hyper: Hyper };
}

export function hyperparametersOf(transform: Transform, parameters: Shapes): Hyperparameters {
  const layout = silently(() => new Layout(transform, parameters, false));
  return {
    values: new Map([...layout.hypers.keys()].map((hyper) => [layout.address(hyper), hyper.value])),
    find(address) {
      const hyper = layout.find(address);
      return { address: layout.address(hyper), hyper };
    },
  };
}
