import { TransformError } from '../errors.ts';
import type { Shape } from '../program/shape.ts';
import { required } from '../records.ts';
import { named } from './chain.ts';
import type { Flow, Site, Transform } from './transform.ts';

/**
 * Every parameter to exactly one of several rules: `partition({ matrices: muon(), rest: adamw() }, (name, shape) => …)`.
 * The label is part of the state's keys.
 */
export function partition<L extends string>(
  rules: Readonly<Record<L, Transform>>,
  route: (name: string, shape: Shape) => NoInfer<L>,
): Transform {
  const labels = Object.entries<Transform>(rules).map(([label, inner]) => ({ label, inner: named(label, inner) }));

  function labelOf(owner: string, shape: Shape): string {
    const label: string = route(owner, shape);
    if (!labels.some((one) => one.label === label)) {
      throw new TransformError(
        `partition: parameter '${owner}' must go to one of ${labels.map((one) => one.label).join(', ')}, received '${label}'`,
      );
    }
    return label;
  }

  const only = <V>(record: Readonly<Record<string, V>>, flow: Pick<Flow, 'parameters'>, label: string): Record<string, V> =>
    Object.fromEntries(
      Object.entries(record).filter(([owner]) => labelOf(owner, required(flow.parameters, owner, 'parameter').shape) === label),
    );

  const part = (flow: Flow, label: string): Flow => ({
    updates: only(flow.updates, flow, label),
    gains: only(flow.gains, flow, label),
    gradients: only(flow.gradients, flow, label),
    parameters: only(flow.parameters, flow, label),
  });

  return {
    name: '',
    separable: labels.every(({ inner }) => inner.separable === true),
    declare(parameters, at) {
      for (const { label, inner } of labels) {
        inner.declare(Object.fromEntries(Object.entries(parameters).filter(([owner, shape]) => labelOf(owner, shape) === label)), at);
      }
    },
    once(moment, parameters, site) {
      const moved = labels.map(({ label, inner }) => {
        const own = only(parameters, { parameters }, label);
        return inner.once?.(moment, own, site) ?? own;
      });
      return Object.assign({}, parameters, ...moved);
    },
    apply(flow, site: Site) {
      const parts = labels.map(({ label, inner }) => inner.apply(part(flow, label), site));
      const joined = <K extends keyof Flow>(field: K): Flow[K] => Object.assign({}, ...parts.map((one) => one[field]));
      return {
        updates: joined('updates'),
        gains: joined('gains'),
        gradients: flow.gradients,
        parameters: { ...flow.parameters, ...joined('parameters') },
      };
    },
  };
}
