import { isNarrow } from '../program/narrow.ts';
import type { DType, Node, Operation } from '../program/program.ts';
import { printShape, type Shape } from '../program/shape.ts';
import { type Graph, type Traced, tracing } from './graph.ts';

/** A constant. */
export const literal = (value: number): Traced => ({ shape: [], dtype: 'working', at: { in: 'literal', value } });

export const traced = (value: Traced | number): Traced => (typeof value === 'number' ? literal(value) : value);

/** The strongest precision among traced operands; constants and host scalars take on that of their surroundings. */
export function commonType(operands: readonly Traced[]): DType {
  const types = operands.filter(({ at }) => at.in === 'graph').map(({ dtype }) => dtype);
  const [first] = types;
  if (isNarrow(first) && types.length === operands.length && types.every((type) => type === first)) return first;
  if (types.includes('wide')) return 'wide';
  return types.length > 0 && types.length === operands.length && types.every((type) => type === 'int') ? 'int' : 'working';
}

/** A node of the open block as a tensor. Scalars among the operands are written in precision `operandType`. */
export function emit(operation: Operation, operands: readonly Traced[], shape: Shape, dtype: DType, operandType: DType = dtype): Traced {
  const { graph } = tracing();
  return at(
    graph,
    graph.add(
      operation,
      operands.map((operand) => lowered(graph, operand, operandType)),
      shape,
      dtype,
    ),
  );
}

const lowered = (graph: Graph, operand: Traced, dtype: DType): number =>
  graph.lower(operand, operand.at.in === 'graph' ? operand.dtype : dtype);

export function at(graph: Graph, position: number): Traced {
  const { shape, dtype } = graph.node(position);
  return { shape, dtype, at: { in: 'graph', graph, node: position } };
}

/** The node a tensor stands for, with its block, where it is one. */
export function nodeOf(tensor: Traced): Node | undefined {
  return tensor.at.in === 'graph' ? tensor.at.graph.node(tensor.at.node) : undefined;
}

/** The key of the buffer a tensor is read from, if it is an input as it came. */
export function inputKey(tensor: Traced): string | undefined {
  const operation = nodeOf(tensor)?.operation;
  return operation?.op === 'input' ? operation.key : undefined;
}

/** The i-th operand of a tensor's node. */
export function operandOf(tensor: Traced, i: number): Traced | undefined {
  if (tensor.at.in !== 'graph') return undefined;
  const position = tensor.at.graph.node(tensor.at.node).inputs[i];
  return position === undefined ? undefined : at(tensor.at.graph, position);
}

export const sameTensor = (a: Traced, b: Traced): boolean =>
  a.at.in === 'graph' && b.at.in === 'graph' && a.at.graph === b.at.graph && a.at.node === b.at.node;

export const isSymmetric = (tensor: Traced): boolean => nodeOf(tensor)?.symmetric ?? false;

/** The commuting family of a symmetric tensor. */
export const familyOf = (tensor: Traced): string | undefined =>
  tensor.at.in === 'graph' && isSymmetric(tensor) ? tensor.at.graph.family(tensor.at.node) : undefined;

export function markSymmetric(tensor: Traced, family?: string): Traced {
  if (tensor.at.in === 'graph') tensor.at.graph.markSymmetric(tensor.at.node, family);
  return tensor;
}

/**
 * Says of a direction that its elements stay far below the largest number, whatever the gradients are: what moves by it need not look whether
 * there is a number for where it arrives.
 */
export function moderate<T extends Traced>(tensor: T): T {
  if (tensor.at.in === 'graph') tensor.at.graph.moderate.add(tensor.at.node);
  return tensor;
}

export const isModerate = (tensor: Traced): boolean => tensor.at.in === 'graph' && tensor.at.graph.moderate.has(tensor.at.node);

export const fail = (message: string): never => tracing().fail(message);

export function axisOf(op: string, axis: number, shape: Shape): number {
  const normal = axis < 0 ? axis + shape.length : axis;
  return Number.isInteger(axis) && normal >= 0 && normal < shape.length
    ? normal
    : fail(`${op}: axis must be an axis of shape ${printShape(shape)}, received ${axis}`);
}
