import { OptionTypeError, TransformError } from '../errors.ts';
import { warn } from '../log.ts';
import { message } from '../options/hyper.ts';
import { callable, flag, resolve } from '../options/options.ts';
import type { Shape } from '../program/shape.ts';
import { mapValues, merged, record, required } from '../records.ts';
import { describe, isPlain } from '../validation/describe.ts';
import { named } from './chain.ts';
import { requiredStage } from './stage-options.ts';
import type { About, Flow, Shapes, Site, Transform } from './transform.ts';

/** Says where a parameter goes, by its name, its shape and what its model said about it. */
export type Route<L extends string = string> = (name: string, shape: Shape, about: About) => L;

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
  route: Route<NoInfer<L>>,
  options: PartitionOptions = {},
): Transform {
  const { empty } = resolve('partition', options, { empty: flag(false) });
  const labelled = mapValues<L, Transform, Transform>(checked(rules, route), (inner, label) => named(label, inner));
  return divided(labelled, route, { empty, listed: true });
}

/**
 * `partition` without labels in keys, for variants of one stage that differ in what they compute: they must declare the same slots for
 * the same parameters, and share their hyperparameters.
 */
export const divide = <L extends string>(stages: Readonly<Record<L, Transform>>, route: Route<NoInfer<L>>): Transform =>
  divided(stages, route, { empty: true, listed: false });

/** `listed`: the labels are groups of the optimizer. */
function divided<L extends string>(
  stages: Readonly<Record<L, Transform>>,
  route: Route<NoInfer<L>>,
  { empty, listed }: { readonly empty: boolean; readonly listed: boolean },
): Transform {
  const labels = Object.entries<Transform>(stages).map(([label, inner]) => ({ label, inner }));

  function labelOf(owner: string, shape: Shape, about: About): string {
    const label: unknown = route(owner, shape, about);
    if (typeof label !== 'string' || !labels.some((one) => one.label === label)) {
      throw new TransformError(
        `partition: parameter '${owner}' must go to one of ${labels.map((one) => one.label).join(', ')}, received ${describe(label)}`,
      );
    }
    return label;
  }

  /** The entries of those parameters that go to `label`. */
  const only = <V>(from: Readonly<Record<string, V>>, shapes: Shapes, at: Pick<Site, 'about'>, label: string): Record<string, V> =>
    record(Object.entries(from).filter(([owner]) => labelOf(owner, required(shapes, owner, 'parameter'), at.about(owner)) === label));

  const shapesOf = (flow: Pick<Flow, 'parameters'>): Shapes => mapValues(flow.parameters, ({ shape }) => shape);

  function part(flow: Flow, site: Site, label: string): Flow {
    const shapes = shapesOf(flow);
    return {
      updates: only(flow.updates, shapes, site, label),
      gains: only(flow.gains, shapes, site, label),
      gradients: only(flow.gradients, shapes, site, label),
      parameters: only(flow.parameters, shapes, site, label),
    };
  }

  return {
    name: '',
    separable: labels.every(({ inner }) => inner.separable === true),
    declare(parameters, at) {
      for (const { label, inner } of labels) {
        const part = only(parameters, parameters, at, label);
        if (listed) at.group?.(label, Object.keys(part));
        inner.declare(part, at);
      }
    },
    once(moment, parameters, site) {
      const moved = labels.map(({ label, inner }) => {
        const own = only(parameters, shapesOf({ parameters }), site, label);
        if (moment === 'construct' && !empty && Object.keys(own).length === 0)
          warn(`partition: no parameter goes to '${label}', of ${Object.keys(parameters).join(', ')}`);
        return inner.once?.(moment, own, site) ?? own;
      });
      return merged(parameters, ...moved);
    },
    apply(flow, site: Site) {
      const parts = labels.flatMap(({ label, inner }) => {
        const own = part(flow, site, label);
        // What counts the calls of a rule is traced with those that have it.
        return site.alone === undefined || Object.hasOwn(own.parameters, site.alone) ? [inner.apply(own, site)] : [];
      });
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
