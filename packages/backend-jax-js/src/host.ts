import { singleNode } from '@opt/backend-reference';
import { type DType, type Floats, type Node, type Shape, size } from '@opt/core';
import { factorize, isFactorization, sharedLinalg } from '@opt/linalg';
import { floats } from './jax.ts';

/** A tensor in host memory. */
export interface HostTensor {
  readonly data: Floats;
  readonly shape: Shape;
}

/** One node in host memory: operands in, its parts out (an eigenproblem has two: values and vectors). */
export type HostKernel = (operands: readonly HostTensor[]) => Floats[];

/** What computes a node on the host. */
export function hostKernel(node: Node, operandShapes: readonly Shape[]): HostKernel {
  const { operation, dtype, shape } = node;
  if (isFactorization(operation)) {
    const last = operandShapes.at(-1) ?? [];
    return (operands) =>
      dtype === 'working'
        ? factorize(sharedLinalg(), operation, operands.map(single), last)
        : factorize(sharedLinalg(), operation, operands.map(double), last);
  }
  if (operation.op === 'concat') return (operands) => [concat(operands, operation.axis, shape, dtype)];
  return interpreted(node, operandShapes);
}

const single = ({ data }: HostTensor): Float32Array => (data instanceof Float32Array ? data : Float32Array.from(data));

const double = ({ data }: HostTensor): Float64Array => (data instanceof Float64Array ? data : Float64Array.from(data));

function concat(operands: readonly HostTensor[], axis: number, shape: Shape, dtype: DType): Floats {
  const inner = size(shape.slice(axis + 1));
  const outer = size(shape.slice(0, axis));
  const width = (shape[axis] ?? 0) * inner;
  const out = dtype === 'working' ? new Float32Array(outer * width) : new Float64Array(outer * width);
  let offset = 0;
  for (const { data, shape: own } of operands) {
    const length = (own[axis] ?? 0) * inner;
    for (let o = 0; o < outer; o++) out.set(data.subarray(o * length, (o + 1) * length), o * width + offset);
    offset += length;
  }
  return out;
}

/** As the reference backend does it, in f64: draws have the same bits there and here. */
function interpreted(node: Node, shapes: readonly Shape[]): HostKernel {
  const compute = singleNode(node, shapes);
  return (operands) => [floats(node.dtype, Float64Array.from(compute(operands.map(({ data }) => data))))];
}
