import { OptionTypeError, TransformError } from '../errors.ts';
import { hyper, isHyper, message, type Setting } from '../options/hyper.ts';
import { isName, unknownOption } from '../options/options.ts';
import type { Shape } from '../program/shape.ts';
import { mapValues, merged, record, required } from '../records.ts';
import type { Tensor } from '../trace/tensor.ts';
import { isPlain } from '../validation/describe.ts';
import type { Slot } from './slot.ts';
import type { Moment, Need, Site, Tensors, Transform } from './transform.ts';

/** Slots by name; one that is of no use to a shape is left out for it. */
export type Slots = Readonly<Record<string, Slot | undefined>>;

type NamesIn<D> = D extends unknown ? Extract<keyof D, string> : never;
type MissingIn<D, All extends string> = D extends unknown
  ? { [K in All]: K extends keyof D ? (undefined extends D[K] ? K : never) : K }[All]
  : never;
/** Slots that some shapes do not have. */
type Sometimes<D> = MissingIn<D, NamesIn<D>>;
/** Slots that every shape has. */
type Always<D> = Exclude<NamesIn<D>, Sometimes<D>>;

/** What a rule for one tensor sees. S: slots that are always there; H: hyperparameters; O: slots that some shapes do not have. */
export interface TensorStep<S extends string, H extends string, O extends string = never> {
  readonly update: Tensor;
  /** What entered the enclosing scope. */
  readonly gradient: Tensor;
  readonly parameter: Tensor;
  /** Factor of the learning rate so far. */
  readonly gain: Tensor | undefined;
  readonly state: Readonly<Record<S, Tensor>> & Readonly<Partial<Record<O, Tensor>>>;
  readonly hyper: Readonly<Record<H, Tensor>>;
  /** This stage's steps on this parameter, from 1. */
  readonly count: Tensor;
  readonly owner: string;
  readonly site: Site;
}

/** What it may change; everything left out stays. */
export interface TensorChange<S extends string> {
  readonly update?: Tensor;
  readonly parameter?: Tensor;
  readonly gain?: Tensor;
  readonly state?: Readonly<Partial<Record<S, Tensor | undefined>>>;
  /** Nothing flows on for this parameter in this call: later stages neither move nor count it. */
  readonly hold?: boolean;
}

/** D: its slots; H: its hyperparameters; C: what it changes. */
export interface TensorRule<D extends Slots, H extends string, C extends TensorChange<string> = TensorChange<NamesIn<D>>> {
  /** Part of every state key: a-z, 0-9 and -. */
  readonly name: string;
  readonly hyper?: Readonly<Record<H, Setting>>;
  /** What it cannot do without: of the objective, or of an enclosing basis. */
  readonly needs?: readonly Omit<Need, 'by'>[];
  /** Its slots for a parameter of this shape: those that some shapes do not have may be undefined in `apply`. */
  readonly state?: (parameter: { readonly shape: Shape }) => D;
  /** Rewrites the parameter at construction or at the end of training. */
  readonly once?: (moment: Moment, parameter: Tensor, owner: string, site: Site) => Tensor;
  readonly apply: (step: TensorStep<Always<D>, H, Sometimes<D>>) => C;
}

type Written<C> = C extends { readonly state?: infer State } ? keyof NonNullable<State> : never;
/** No rule at all for one that writes slots it did not declare. */
type OnlyDeclared<S extends string, C> = [Exclude<Written<C>, S>] extends [never]
  ? unknown
  : { readonly apply: `slot '${Exclude<Written<C>, S> & string}' was not declared` };

/** A rule for one tensor, as a stage over the whole model: what almost every author writes. Pure; it is traced, not run. */
export function perTensor<
  D extends Slots = Readonly<Record<never, Slot>>,
  H extends string = never,
  C extends TensorChange<string> = TensorChange<NamesIn<D>>,
>(rule: TensorRule<D, H, C> & OnlyDeclared<NamesIn<D>, NoInfer<C>>): Transform;
// What a rule is given has the slots it declared, which only the signature above can say.
export function perTensor(rule: TensorRule<Slots, string>): Transform {
  checkRule(rule);
  const { name, state, once } = rule;
  const hypers = mapValues(rule.hyper ?? record<Setting>(), (value, key) => (isHyper(value) ? value : hyper(name, key, value)));
  const slotsOf = (shape: Shape): [name: string, slot: Slot][] =>
    Object.entries(state?.({ shape }) ?? {}).flatMap(([slot, declared]) => (declared === undefined ? [] : [[slot, declared]]));
  return {
    name,
    // Whoever asks the objective asks about all parameters at once.
    separable: !(rule.needs ?? []).some(({ evaluated }) => evaluated !== undefined),
    declare(parameters, at) {
      const here = at.child(name);
      for (const one of Object.values(hypers)) here.hyper(one);
      for (const need of rule.needs ?? []) here.needs({ by: name, ...need });
      for (const [owner, shape] of Object.entries(parameters)) {
        for (const [slot, declared] of slotsOf(shape)) here.slot(slot, owner, declared);
      }
    },
    ...(once && {
      once(moment: Moment, parameters: Tensors, site: Site): Tensors {
        const here = site.child(name);
        return mapValues(parameters, (parameter, owner) => here.writing(owner, () => once(moment, parameter, owner, here)));
      },
    }),
    apply(flow, site) {
      const here = site.child(name);
      const hyper = mapValues(hypers, (value) => here.hyper(value));
      const [updates, gains, parameters] = [merged(flow.updates), merged(flow.gains), merged(flow.parameters)];
      for (const [owner, update] of Object.entries(flow.updates)) {
        const gradient = required(flow.gradients, owner, 'gradient');
        const parameter = required(flow.parameters, owner, 'parameter');
        here.writing(owner, () => {
          const values = record(slotsOf(update.shape).map(([slot]) => [slot, here.get(slot, owner)]));
          const count = here.count(owner);
          const own = here.of(owner);
          const change = rule.apply({ update, gradient, parameter, gain: gains[owner], state: values, hyper, count, owner, site: own });
          for (const [slot, value] of Object.entries(change.state ?? {})) if (value !== undefined) here.set(slot, owner, value);
          if (change.update !== undefined) updates[owner] = change.update;
          if (change.gain !== undefined) gains[owner] = change.gain;
          if (change.parameter !== undefined) parameters[owner] = change.parameter;
          if (change.hold === true) delete updates[owner];
        });
      }
      return { ...flow, updates, gains, parameters };
    },
  };
}

const parts: readonly string[] = ['name', 'hyper', 'needs', 'state', 'once', 'apply'];

/** @throws OptionTypeError, TransformError */
function checkRule(rule: unknown): void {
  if (!isPlain(rule)) throw new OptionTypeError(message('perTensor', 'rule', 'an object such as { name, apply }', rule));
  for (const part of Object.keys(rule)) if (!parts.includes(part)) throw new OptionTypeError(unknownOption('perTensor', part, parts));
  if (!isName(rule['name'])) throw new TransformError(message('perTensor', 'name', 'of a-z, 0-9 and -', rule['name']));
  for (const part of ['state', 'once', 'apply']) {
    if (typeof rule[part] !== 'function' && (part === 'apply' || rule[part] !== undefined))
      throw new OptionTypeError(message(rule['name'], part, 'a function', rule[part]));
  }
}
