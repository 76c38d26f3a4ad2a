import { size } from '../program/shape.ts';
import { mapValues, required } from '../records.ts';
import { concat, full } from '../trace/functions.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Declarer, Shapes, Tensors, Transform } from './transform.ts';

/** The name of all parameters joined. */
export const joined = '*';

/**
 * Runs a direction on one vector `'*'`: all parameters, row-major, in declaration order. A missing gradient counts as zeros
 * there, and its parameter is not moved.
 */
export function concatenated(inner: Transform): Transform {
  return {
    name: inner.name,
    declare: (parameters, at) =>
      inner.declare({ [joined]: [Object.values(parameters).reduce((sum, shape) => sum + size(shape), 0)] }, joining(parameters, at)),
    apply(flow, site) {
      if (Object.keys(flow.updates).length === 0) return flow;
      const shapes = mapValues(flow.parameters, ({ shape }) => shape);
      const result = inner.apply(
        {
          updates: { [joined]: join(flow.updates, shapes) },
          gradients: { [joined]: join(flow.gradients, shapes) },
          parameters: { [joined]: join(flow.parameters, shapes) },
          gains: {},
        },
        site.child('', { joins: shapes }),
      );
      const { [joined]: update } = result.updates;
      if (update === undefined) return { ...flow, updates: {} };
      const parts = split(update, shapes);
      const { [joined]: gain } = result.gains;
      return {
        ...flow,
        updates: mapValues(flow.updates, (_, owner) => required(parts, owner, 'parameter')),
        gains: gain === undefined ? flow.gains : mapValues(flow.updates, (_, owner) => gain.mul(flow.gains[owner] ?? 1)),
      };
    },
  };
}

/** A declarer that notes with every slot which parameters it joins: a checkpoint may hold them in another order. */
const joining = (joins: Shapes, at: Declarer): Declarer => ({
  ...at,
  child: (name) => joining(joins, at.child(name)),
  slot: (name, owner, slot) => at.slot(name, owner, owner === joined ? { ...slot, joins } : slot),
});

const join = (tensors: Tensors, shapes: Shapes): Tensor =>
  concat(Object.entries(shapes).map(([owner, shape]) => tensors[owner]?.reshape([size(shape)]) ?? full([size(shape)], 0)));

function split(vector: Tensor, shapes: Shapes): Tensors {
  let start = 0;
  return mapValues(shapes, (shape) => {
    const part = vector.slice([start], [start + size(shape)]).reshape(shape);
    start += size(shape);
    return part;
  });
}
