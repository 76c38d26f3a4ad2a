import type { Operand, Place, Product } from '@opt/backend-wasm';
import { type Shape, size } from '@opt/core';
import { type Constant, type Graph, type GraphNode, microsoft, type ValueInfo } from '../onnx/model.ts';

/** A group of products as one graph, and the memory its inputs and outputs are. */
export interface GroupGraph {
  readonly graph: Graph;
  readonly feeds: readonly Bound[];
  readonly fetches: readonly Bound[];
}

export interface Bound {
  readonly name: string;
  readonly place: Place;
  readonly shape: Shape;
}

/** Products of matrices as Gemm, of batches of them as FusedMatMul; what is computed in the group stays in it. */
export function groupGraph(products: readonly Product[]): GroupGraph {
  const feeds = new Map<string, Bound>();
  const [nodes, constants, fetches]: [GraphNode[], Constant[], Bound[]] = [[], [], []];
  const nameOf = (operand: Operand, shape: Shape): string => {
    if (operand.product !== undefined) return reshaped(operand.product, shape);
    const key = `${operand.address} ${operand.inArena} ${shape}`;
    const known = feeds.get(key) ?? { name: `x${feeds.size}`, place: operand, shape };
    feeds.set(key, known);
    return known.name;
  };
  const reshaped = (product: number, shape: Shape): string => {
    const [made, name] = [matrixShape(products[product]?.result.shape ?? []), `y${product}`];
    if (made.join() === shape.join()) return name;
    const id = nodes.length;
    constants.push({ name: `shape${id}`, type: 'int64', shape: [shape.length], values: [...shape] });
    nodes.push({ op: 'Reshape', inputs: [name, `shape${id}`], outputs: [`view${id}`] });
    return `view${id}`;
  };
  products.forEach(({ a, b, c, transposeA, transposeB, alpha, beta, result, kept }, i) => {
    const shape = matrixShape(result.shape);
    const operands = [nameOf(a, matrixShape(a.shape)), nameOf(b, matrixShape(b.shape))];
    const transposes = { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) }, alpha: { float: alpha } };
    if (shape.length === 2) {
      const added = c === undefined ? [] : [nameOf(c, shape)];
      const attributes = { ...transposes, beta: { float: beta } };
      nodes.push({ op: 'Gemm', inputs: [...operands, ...added], outputs: [`y${i}`], attributes });
    } else nodes.push({ op: 'FusedMatMul', domain: microsoft, inputs: operands, outputs: [`y${i}`], attributes: transposes });
    if (kept) fetches.push({ name: `y${i}`, place: result, shape });
  });
  const inputs = [...feeds.values()];
  return {
    graph: { name: 'products', nodes, inputs: inputs.map(infoOf), outputs: fetches.map(infoOf), constants },
    feeds: inputs,
    fetches,
  };
}

/** Without the leading axes where there is only one matrix. */
export const matrixShape = (shape: Shape): Shape => (size(shape.slice(0, -2)) === 1 ? shape.slice(-2) : shape);

const infoOf = ({ name, place, shape }: Bound): ValueInfo => ({ name, type: place.type === 'f32' ? 'float' : 'double', shape });
