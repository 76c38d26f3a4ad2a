import { singleNode } from '@opt/backend-reference';
import { BackendError, type Node, type Shape, size } from '@opt/core';
import { sharedLinalg } from '@opt/linalg';

/** Computes one node in host memory. */
export type HostKernel = (operands: readonly Float64Array[]) => Float64Array;

/** A node in f64: products by `@opt/linalg`, everything else as the reference backend does it. */
export function hostKernel(node: Node, shapes: readonly Shape[]): HostKernel {
  return (node.operation.op === 'matmul' ? product(node, shapes) : undefined) ?? interpreted(node, shapes);
}

/** As the reference backend does it. */
function interpreted(node: Node, shapes: readonly Shape[]): HostKernel {
  const compute = singleNode(node, shapes);
  return (operands) => Float64Array.from(compute(operands));
}

/** A product whose batch needs no broadcasting but that of single matrices. */
function product(node: Node, shapes: readonly Shape[]): HostKernel | undefined {
  const { operation, shape } = node;
  const [shapeA = [], shapeB = []] = shapes;
  const batch = size(shape.slice(0, -2));
  const fits = [shapeA, shapeB].every((own) => [1, batch].includes(size(own.slice(0, -2))));
  if (operation.op !== 'matmul' || !fits) return undefined;
  const { transposeA, transposeB } = operation;
  const [m = 1, n = 1] = shape.slice(-2);
  const k = shapeA.at(transposeA ? -2 : -1) ?? 1;
  return ([a, b, alpha, add, beta]) => {
    if (a === undefined || b === undefined) throw new BackendError('tfjs: an operand of matmul is missing');
    const options = { transposeA, transposeB, alpha: alpha?.[0] ?? 1, beta: beta?.[0] ?? 1 };
    return sharedLinalg().matmul(a, b, { m, n, k, batch }, add === undefined ? options : { ...options, add });
  };
}
