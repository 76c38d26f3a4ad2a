import { OptionTypeError, TransformError } from '../errors.ts';
import { warn } from '../log.ts';
import { message } from '../options/hyper.ts';
import { callable, flag, requiredStage, resolve } from '../options/options.ts';
import type { Shape } from '../program/shape.ts';
import { mapValues, merged, record, required } from '../records.ts';
import { describe, isPlain } from '../validation/describe.ts';
import { named } from './chain.ts';
import type { Flow, Shapes, Site, Transform } from './transform.ts';

type Route = (name: string, shape: Shape) => string;

export interface PartitionOptions {
  /** Whether a rule may be left without parameters; default false: a line in the log names it. */
  readonly empty?: boolean;
}

/**
 * Every parameter to exactly one of several rules: `partition({ matrices: muon(), rest: adamw() }, (name, shape) => …)`.
 * The label is part of the state's keys.
 *
 * @throws OptionTypeError for arguments that are something else · TransformError without rules, and for a label that is none of them
 */
export function partition<L extends string>(
  rules: Readonly<Record<L, Transform>>,
  route: (name: string, shape: Shape) => NoInfer<L>,
  options: PartitionOptions = {},
): Transform {
  const labels = Object.entries<Transform>(checked(rules, route)).map(([label, inner]) => ({ label, inner: named(label, inner) }));
  const { empty } = resolve('partition', options, { empty: flag(false) });

  function labelOf(owner: string, shape: Shape): string {
    const label: unknown = route(owner, shape);
    if (typeof label !== 'string' || !labels.some((one) => one.label === label)) {
      throw new TransformError(
        `partition: parameter '${owner}' must go to one of ${labels.map((one) => one.label).join(', ')}, received ${describe(label)}`,
      );
    }
    return label;
  }

  /** The entries of those parameters that go to `label`. */
  const only = <V>(from: Readonly<Record<string, V>>, shapes: Shapes, label: string): Record<string, V> =>
    record(Object.entries(from).filter(([owner]) => labelOf(owner, required(shapes, owner, 'parameter')) === label));

  const shapesOf = (flow: Pick<Flow, 'parameters'>): Shapes => mapValues(flow.parameters, ({ shape }) => shape);

  function part(flow: Flow, label: string): Flow {
    const shapes = shapesOf(flow);
    return {
      updates: only(flow.updates, shapes, label),
      gains: only(flow.gains, shapes, label),
      gradients: only(flow.gradients, shapes, label),
      parameters: only(flow.parameters, shapes, label),
    };
  }

  return {
    name: '',
    separable: labels.every(({ inner }) => inner.separable === true),
    declare(parameters, at) {
      for (const { label, inner } of labels) inner.declare(only(parameters, parameters, label), at);
    },
    once(moment, parameters, site) {
      const moved = labels.map(({ label, inner }) => {
        const own = only(parameters, shapesOf({ parameters }), label);
        if (moment === 'construct' && !empty && Object.keys(own).length === 0)
          warn(`partition: no parameter goes to '${label}', of ${Object.keys(parameters).join(', ')}`);
        return inner.once?.(moment, own, site) ?? own;
      });
      return merged(parameters, ...moved);
    },
    apply(flow, site: Site) {
      const parts = labels.map(({ label, inner }) => inner.apply(part(flow, label), site));
      return {
        updates: merged(...parts.map(({ updates }) => updates)),
        gains: merged(...parts.map(({ gains }) => gains)),
        gradients: flow.gradients,
        parameters: merged(flow.parameters, ...parts.map(({ parameters }) => parameters)),
      };
    },
  };
}

function checked<R extends Readonly<Record<string, Transform>>>(rules: R, route: unknown): R {
  if (!isPlain(rules) || typeof rules['apply'] === 'function')
    throw new OptionTypeError(
      `${message('partition', 'rules', 'an object of rules by label', rules)}; write partition({ matrices: muon(), rest: adamw() }, (name, shape) => label)`,
    );
  if (Object.keys(rules).length === 0) throw new TransformError('partition: rules must hold at least one rule, received none');
  for (const [label, rule] of Object.entries(rules)) requiredStage(rule, 'partition', label);
  callable<Route>('a function (name, shape) => label')(route, 'partition', 'route');
  return rules;
}
