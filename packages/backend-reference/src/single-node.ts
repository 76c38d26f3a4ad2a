import type { Node, Program, Shape } from '@opt/core';
import { reference } from './reference.ts';

/** One node as a program of its own: operands in, its result out, both as f64, until the next call. */
export type SingleNode = (operands: readonly ArrayLike<number>[]) => ArrayLike<number>;

/**
 * Computes a single node as this backend does in f64, for backends whose engine lacks an operation. Its operands have the given
 * shapes; what it reads of host scalars is an operand too.
 */
export function singleNode(node: Node, shapes: readonly Shape[]): SingleNode {
  const backend = reference();
  const inputs = shapes.map(
    (shape, i): Node => ({
      operation: { op: 'input', key: `${i}` },
      shape,
      dtype: 'wide',
      inputs: [],
      symmetric: false,
      origin: node.origin,
    }),
  );
  const at = inputs.length;
  const dtype = node.dtype === 'int' ? 'int' : 'wide';
  const program: Program = {
    name: node.operation.op,
    nodes: [...inputs, { ...node, dtype, inputs: shapes.map((_, i) => i) }],
    results: [at],
    inputs: shapes.map((shape, i) => ({ key: `${i}`, node: i, shape, dtype: 'wide' })),
    outputs: [{ key: 'result', node: at, shape: node.shape, dtype, donates: undefined }],
    host: { lines: [], scalars: [], hypers: [], counters: [] },
  };
  const buffers = shapes.map((shape, i) => backend.create('parameter', `${i}`, shape, 'wide'));
  const result = backend.create('output', 'result', node.shape, dtype);
  const executable = backend.compile(program, (key) => (key === 'result' ? result : (buffers[Number(key)] ?? result)));
  const none = new Float64Array(0);
  return (operands) => {
    buffers.forEach((buffer, i) => {
      backend.write(buffer, operands[i] ?? none);
    });
    executable.run(none);
    return result.data;
  };
}
