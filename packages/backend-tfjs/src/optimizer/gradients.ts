import { GradientError, printShape, sameShape } from '@opt/core';
import { broadcastTo, engine, type NamedTensorMap, Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { NamedTensor } from './weights.ts';

/** A variable, and the gradient it has in this step. */
export interface Given {
  readonly variable: Variable;
  readonly gradient: Tensor | undefined;
}

/**
 * What `applyGradients` was given: by variable name, or as a list. Everything is looked at before anything is moved.
 *
 * @throws GradientError that names the variable, what its gradient must be and what came
 */
export function readGradients(given: NamedTensorMap | readonly NamedTensor[]): Given[] {
  const entries = entriesOf(given);
  if (entries.length === 0) throw new GradientError('applyGradients: at least one variable is needed, received none');
  const seen = new Set<string>();
  return entries.flatMap(([name, gradient]): Given[] => {
    if (seen.has(name)) throw new GradientError(`applyGradients: variable '${name}' was given two gradients; give their sum`);
    seen.add(name);
    const variable = registered(name);
    const trains = variable.dtype === 'float32' && variable.size > 0;
    if (gradient === null || gradient === undefined) return trains ? [{ variable, gradient: undefined }] : [];
    if (!trains)
      throw new GradientError(
        `applyGradients: variable '${name}' must be of float32 with at least one element to be trained, received ${variable.dtype} ${printShape(variable.shape)}; leave it out of varList, or create it with trainable false`,
      );
    return [{ variable, gradient: fitting(variable, gradient) }];
  });
}

function entriesOf(given: unknown): (readonly [name: string, gradient: unknown])[] {
  if (Array.isArray(given)) {
    return given.map((one: unknown) => {
      if (typeof one !== 'object' || one === null || !('name' in one) || typeof one.name !== 'string')
        throw new GradientError(`applyGradients: a list must hold { name, tensor } for each variable, received ${said(one)} in it`);
      return [one.name, 'tensor' in one ? one.tensor : undefined];
    });
  }
  const plain = typeof given === 'object' && given !== null && [Object.prototype, null].includes(Object.getPrototypeOf(given));
  if (!plain)
    throw new GradientError(
      `applyGradients: gradients must be an object of tensors by variable name, or a list of { name, tensor }, received ${said(given)}`,
    );
  return Object.entries(given);
}

function registered(name: string): Variable {
  const { registeredVariables } = engine();
  const variable = Object.hasOwn(registeredVariables, name) ? registeredVariables[name] : undefined;
  if (variable === undefined) throw new GradientError(`applyGradients: there is no variable '${name}', or it was disposed of`);
  return variable;
}

/** The gradient if it is one of this variable. A scalar counts for every element, as in tfjs. */
function fitting({ name, shape }: Variable, gradient: unknown): Tensor {
  const wanted = `applyGradients: gradient of '${name}' must be a tensor of shape ${printShape(shape)}, or a scalar`;
  if (!(gradient instanceof Tensor)) throw new GradientError(`${wanted}, received ${said(gradient)}`);
  if (gradient.isDisposed) throw new GradientError(`${wanted}, received a tensor that was disposed of`);
  if (gradient.dtype === 'complex64' || gradient.dtype === 'string')
    throw new GradientError(`${wanted}, received one of dtype '${gradient.dtype}'`);
  if (gradient.rank > 0 && !sameShape(gradient.shape, shape))
    throw new GradientError(`${wanted}, received shape ${printShape(gradient.shape)}`);
  return gradient;
}

/** The gradient in the shape of its variable; a scalar is spread, into a tensor that a `tidy` frees. */
export const spread = ({ shape }: Variable, gradient: Tensor): Tensor =>
  gradient.rank < shape.length ? broadcastTo(gradient, shape) : gradient;

function said(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return Array.isArray(value) ? 'an array' : `a ${value.constructor?.name ?? 'object'}`;
}
