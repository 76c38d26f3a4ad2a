import type { CallWork, Kernel, LoopWork } from '../plan/fusion.ts';
import { operand } from '../plan/values.ts';

/** Nanoseconds on one core of a machine of today, roughly: they decide what is worth a thread, never what comes out. */
const perOperation = 0.03;
const perFunction = 5;
export const perMultiplyAdd = 0.054;
export const perPacked = 0.3;

const functions: ReadonlySet<string> = new Set(['exp', 'log', 'expm1', 'sin', 'cos', 'pow']);

export function costOf({ work }: Kernel): number {
  switch (work.kind) {
    case 'loop':
      return loopCost(work);
    case 'copy':
      return work.value.size * 0.4;
    case 'call':
      return callCost(work);
  }
}

function loopCost({ body, roots }: LoopWork): number {
  const each = body.instances.reduce((sum, { value, invariant, read }) => {
    if (invariant) return sum;
    return sum + (read === undefined && functions.has(value.operation.op) ? perFunction : perOperation);
  }, 0);
  return (roots[0]?.source.size ?? 0) * (each + 0.1 * roots.length);
}

function callCost({ value }: CallWork): number {
  const { operation, size, shape, symmetric } = value;
  const last = shape.at(-1) ?? 1;
  switch (operation.op) {
    case 'matmul': {
      const k = operand(value, 0).shape.at(operation.transposeA ? -2 : -1) ?? 1;
      return size * k * perMultiplyAdd * (symmetric ? 0.5 : 1);
    }
    case 'eigh':
      return operand(value, 0).size * (operand(value, 0).shape.at(-1) ?? 1) * 0.36;
    case 'orthonormalize':
    case 'solveTriangular':
    case 'cholesky':
      return size * last * 0.1;
    case 'repeat':
      return operation.times * operation.body.nodes.reduce((sum, node) => sum + node.shape.reduce((a, b) => a * b, 1), 0);
    case 'argsort':
      return size * 50;
    case 'random':
      return size * 5;
    default:
      return size;
  }
}
