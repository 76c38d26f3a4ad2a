import {
  type About,
  chain,
  type Hyper,
  message,
  nonNegative,
  type Option,
  OptionTypeError,
  own,
  partition,
  positive,
  type Rule,
  resolve,
  rule,
  type Setting,
  type Shape,
  type Transform,
  TransformError,
  unit,
  warn,
} from '@opt/core';
import { adam, decay, descend } from '@opt/transforms';
import { checked } from './options.ts';
import { byLayout, type Layout, layoutOf } from './view.ts';

/** What a parameter is in its model. Only `hidden` ones get the matrix rule. */
export type Role = NonNullable<About['role']>;
const roleNames: readonly string[] = ['hidden', 'embedding', 'head', 'bias', 'norm'] satisfies Role[];

/** Roles by parameter name, or a function; what is left out or undefined goes by what its model says, else by `defaultRole`. */
export type Roles = Readonly<Record<string, Role>> | ((name: string, shape: Shape, about: About) => Role | undefined);

/** AdamW for everything that is not hidden: η 3e-4, β (0.9, 0.95), ε 1e-10, λ 0. */
export interface AuxOptions {
  readonly learningRate?: Setting;
  readonly beta1?: Setting;
  readonly beta2?: Setting;
  readonly epsilon?: Setting;
  readonly weightDecay?: Setting;
}

/** By shape, then by name: vectors and matrices with a side of 1 are biases; *embed*; head, lm_head, logits, classifier; else hidden. */
export function defaultRole(name: string, shape: Shape): Role {
  if (shape.length < 2 || (shape.length === 2 && shape.includes(1))) return 'bias';
  const lower = name.toLowerCase();
  if (lower.includes('embed')) return 'embedding';
  return lower.split(/[^a-z0-9_]+/).some((part) => /(^|_)(head|logits|classifier)$/.test(part)) ? 'head' : 'hidden';
}

const isRole = (value: unknown): value is Role => typeof value === 'string' && roleNames.includes(value);
const isRoles = (value: unknown): value is Roles =>
  typeof value === 'function' || (typeof value === 'object' && value !== null && Object.values(value).every(isRole));

/** How `resolve` reads `roles`. */
export const rolesOption: Option<Roles> = checked(
  {},
  `a role (${roleNames.join(', ')}) per parameter name, or a function giving one`,
  isRoles,
);

/** The role of a parameter; throws where a function gives something else. */
export function roleOf(rule: string, roles: Roles, name: string, shape: Shape, about: About = {}): Role {
  const given: unknown = typeof roles === 'function' ? roles(name, shape, about) : own(roles, name);
  const role = given ?? about.role ?? defaultRole(name, shape);
  if (!isRole(role)) throw new OptionTypeError(message(rule, `roles['${name}']`, roleNames.join(' or '), role));
  return role;
}

/** The hyperparameters of `aux`, live under the names `aux.learningRate` and so on. */
export type AuxHypers = Readonly<Record<'learningRate' | 'beta1' | 'beta2' | 'epsilon' | 'weightDecay', Hyper>>;

/** How `resolve` reads `aux`. */
export const auxOption: Option<AuxHypers> = (value, rule) => {
  if (value !== undefined && (typeof value !== 'object' || value === null))
    throw new OptionTypeError(message(rule, 'aux', 'an object', value));
  const named = resolve(rule, Object.fromEntries(Object.entries(value ?? {}).map(([name, one]) => [`aux.${name}`, one])), {
    'aux.learningRate': nonNegative(3e-4),
    'aux.beta1': unit(0.9),
    'aux.beta2': unit(0.95),
    'aux.epsilon': positive(1e-10),
    'aux.weightDecay': nonNegative(0),
  });
  return {
    learningRate: named['aux.learningRate'],
    beta1: named['aux.beta1'],
    beta2: named['aux.beta2'],
    epsilon: named['aux.epsilon'],
    weightDecay: named['aux.weightDecay'],
  };
};

/** What decides where a parameter goes. */
export interface Routing {
  readonly name: string;
  readonly roles: Roles;
  readonly aux: AuxHypers;
  readonly strict: boolean;
  /** Of every parameter; null: as its model says. */
  readonly layout: Layout | null;
}

/** A direction and the moves that apply it. */
export interface Halves {
  readonly direction: Transform;
  readonly move: Transform;
}

/**
 * Hidden parameters to `hidden`, by the layout they have, all others to AdamW. A hidden one whose shape `refuses` rejects goes to AdamW too, with a line in the
 * log, or throws if `strict`. State keys begin with `hidden/` or `aux/`.
 */
export function routed(
  { name, roles, aux, strict, layout }: Routing,
  hidden: (layout: Layout) => Halves,
  refuses: (shape: Shape, layout: Layout) => string | undefined,
): Rule {
  const refusal = (owner: string, shape: Shape, about: About): string | undefined =>
    roleOf(name, roles, owner, shape, about) === 'hidden' ? refuses(shape, layoutOf(layout, about)) : undefined;
  const route = (owner: string, shape: Shape, about: About): 'hidden' | 'aux' =>
    roleOf(name, roles, owner, shape, about) === 'hidden' && refusal(owner, shape, about) === undefined ? 'hidden' : 'aux';
  const { learningRate, beta1, beta2, epsilon, weightDecay } = aux;
  const direction = partition({ hidden: byLayout(layout, (one) => hidden(one).direction), aux: adam({ beta1, beta2, epsilon }) }, route, {
    empty: true,
  });
  const move = partition(
    { hidden: byLayout(layout, (one) => hidden(one).move), aux: chain(decay({ learningRate, weightDecay }), descend({ learningRate })) },
    route,
    {
      empty: true,
    },
  );
  const checkedDirection: Transform = {
    ...direction,
    declare(parameters, at) {
      for (const [owner, shape] of Object.entries(parameters)) {
        const expected = refusal(owner, shape, at.about(owner));
        if (expected === undefined) continue;
        const complaint = `${name}: hidden parameter '${owner}' must be ${expected}, received shape [${shape.join(', ')}]`;
        if (strict) throw new TransformError(complaint);
        warn(`${complaint}; it is updated by AdamW`);
      }
      direction.declare(parameters, at);
    },
  };
  return rule(checkedDirection, move);
}
