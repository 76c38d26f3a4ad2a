import { TransformError } from '../errors.ts';
import { size } from '../program/shape.ts';
import { mapValues, own, record, required } from '../records.ts';
import { concat, full } from '../trace/functions.ts';
import type { Tensor } from '../trace/tensor.ts';
import { lostMove } from './moves.ts';
import { requiredStage } from './stage-options.ts';
import type { Declarer, Shapes, Tensors, Transform } from './transform.ts';

/** The name of all parameters joined. */
export const joined = '*';

/**
 * Runs a direction on one vector `'*'`: all parameters, row-major, in declaration order. A missing gradient counts as zeros
 * there, and its parameter is not moved.
 */
export function concatenated(inner: Transform): Transform {
  requiredStage(inner, 'concatenated', 'inner');
  const lost = (before: Tensors, after: Tensors): string | undefined =>
    lostMove('concatenated', before, after, 'rule(concatenated(adam()), decay(), descend())');
  return {
    name: inner.name,
    declare(parameters, at) {
      const whole = [Object.values(parameters).reduce((sum, shape) => sum + size(shape), 0)];
      inner.declare(alone(whole), joining(parameters, at));
      at.rehearse?.((site, input) => {
        const [updates, before] = [alone(input('gradient', whole)), alone(input('parameter', whole))];
        const flow = { updates, gradients: updates, parameters: before, gains: record<Tensor>() };
        return lost(before, inner.apply(flow, site.child('', { joins: parameters })).parameters);
      });
    },
    apply(flow, site) {
      const { flushing } = site;
      if (Object.keys(flow.updates).length === 0 && !flushing) return flow;
      const shapes = mapValues(flow.parameters, ({ shape }) => shape);
      const parameters = alone(join(flow.parameters, shapes));
      const result = inner.apply(
        {
          updates: flushing ? record() : alone(join(flow.updates, shapes)),
          gradients: alone(join(flow.gradients, shapes)),
          parameters,
          gains: record(),
        },
        site.child('', { joins: shapes }),
      );
      const complaint = lost(parameters, result.parameters);
      if (complaint !== undefined) throw new TransformError(complaint);
      const update = own(result.updates, joined);
      if (update === undefined) return { ...flow, updates: record() };
      const parts = split(update, shapes);
      const moving = flushing ? shapes : flow.updates;
      const gain = own(result.gains, joined);
      return {
        ...flow,
        // Where nothing entered, what came out stands for it.
        ...(flushing && { gradients: parts }),
        updates: mapValues<string, unknown, Tensor>(moving, (_, owner) => required(parts, owner, 'parameter')),
        gains:
          gain === undefined ? flow.gains : mapValues<string, unknown, Tensor>(moving, (_, owner) => gain.mul(own(flow.gains, owner) ?? 1)),
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

const alone = <V>(value: V): Record<string, V> => record([[joined, value]]);

const join = (tensors: Tensors, shapes: Shapes): Tensor =>
  concat(Object.entries(shapes).map(([owner, shape]) => own(tensors, owner)?.reshape([size(shape)]) ?? full([size(shape)], 0)));

function split(vector: Tensor, shapes: Shapes): Tensors {
  let start = 0;
  return mapValues(shapes, (shape) => {
    const part = vector.slice([start], [start + size(shape)]).reshape(shape);
    start += size(shape);
    return part;
  });
}
