import type { ProductSignature } from '@opt/backend-wasm';
import type { Node, Program } from '@opt/core';

/** Whether a product goes to ONNX Runtime, if it is a plain one. */
export type Choice = (product: Omit<ProductSignature, 'alpha' | 'beta'>) => boolean;

/**
 * α·P + β·C with factors that are known only when the program runs, as a plain product P that ONNX Runtime computes, and the rest
 * elementwise, to be fused with whatever comes next.
 */
export function plainProducts(program: Program, chosen: Choice): Program {
  const nodes: Node[] = [];
  const positions: number[] = [];
  const add = (node: Node): number => nodes.push(node) - 1;
  for (const node of program.nodes) {
    const moved = { ...node, inputs: node.inputs.map((input) => positions[input] ?? 0) };
    positions.push(split(moved, nodes, add, chosen));
  }
  const at = (position: number): number => positions[position] ?? 0;
  return {
    ...program,
    nodes,
    results: program.results.map(at),
    inputs: program.inputs.map((input) => ({ ...input, node: at(input.node) })),
    outputs: program.outputs.map((output) => ({ ...output, node: at(output.node) })),
  };
}

function split(node: Node, nodes: readonly Node[], add: (node: Node) => number, chosen: Choice): number {
  const { operation, inputs, shape, dtype, origin } = node;
  const [a = 0, b = 0, alpha = 0, c, beta = 0] = inputs;
  const literal = (position: number): number | undefined => {
    const factor = nodes[position]?.operation;
    return factor?.op === 'literal' ? factor.value : undefined;
  };
  if (operation.op !== 'matmul') return add(node);
  const [left, right] = [nodes[a]?.shape ?? [], nodes[b]?.shape ?? []];
  const batched = shape.slice(0, -2).some((n) => n !== 1);
  const constant = literal(alpha) !== undefined && (c === undefined || (literal(beta) !== undefined && !batched));
  if (constant) return add(node);
  const { transposeA, transposeB } = operation;
  const multiplyAdds = shape.reduce((product, n) => product * n, left.at(transposeA ? -2 : -1) ?? 1);
  const type = dtype === 'working' ? 'f32' : 'f64';
  if (!chosen({ a: left, b: right, shape, transposeA, transposeB, symmetric: node.symmetric, type, multiplyAdds })) return add(node);

  const scaled = (op: 'mul' | 'add', x: number, y: number): number =>
    add({ operation: { op }, shape, dtype, inputs: [x, y], symmetric: node.symmetric, origin });
  const constantNode = (value: number): number =>
    add({ operation: { op: 'literal', value }, shape: [], dtype, inputs: [], symmetric: false, origin });
  const [plain, first] = literal(alpha) === undefined ? [constantNode(1), alpha] : [alpha, undefined];
  const product = add({ ...node, inputs: [a, b, plain] });
  const left1 = first === undefined ? product : scaled('mul', product, first);
  if (c === undefined) return left1;
  return scaled('add', left1, literal(beta) === 1 ? c : scaled('mul', c, beta));
}
