import type { DType, Program } from '../program/program.ts';
import type { Shape } from '../program/shape.ts';
import { mapValues } from '../records.ts';
import { at } from './emit.ts';
import { during, type Graph, Tracing } from './graph.ts';
import { type Tensor, tensorOf } from './tensor.ts';

/** A result of a trace: the value, and the input whose buffer may take it. */
export interface TracedOutput {
  readonly key: string;
  readonly value: Tensor;
  readonly donates?: string | undefined;
}

/** Declares input `key` of the program being traced. */
export function inputTensor(graph: Graph, key: string, shape: Shape, dtype: DType, symmetric = false): Tensor {
  const position = graph.add({ op: 'input', key }, [], shape, dtype);
  if (symmetric && shape.length >= 2) graph.markSymmetric(position);
  return tensorOf(at(graph, position));
}

/** Closes a trace: what `outputs` need, as plain data. */
export function finishProgram(name: string, trace: Tracing, outputs: readonly TracedOutput[]): Program {
  const { graph } = trace;
  const block = graph.finish(outputs.map(({ value }) => graph.lower(value)));
  const used: number[] = [];
  const nodes = renumberHost(block.nodes, used);
  const inputs = nodes.flatMap(({ operation, shape, dtype }, node) =>
    operation.op === 'input' ? [{ key: operation.key, node, shape, dtype }] : [],
  );
  return {
    name,
    nodes,
    results: block.results,
    inputs,
    outputs: outputs.map(({ key, value, donates }, i) => ({
      key,
      node: block.results[i] ?? 0,
      shape: value.shape,
      dtype: value.dtype,
      donates,
    })),
    host: trace.host.finish(used),
  };
}

/** Numbers host scalars in the order of first use, and drops those that nothing reads any more. */
function renumberHost(nodes: Program['nodes'], used: number[]): Program['nodes'] {
  return nodes.map((node) => {
    const { operation } = node;
    if (operation.op === 'host') {
      const known = used.indexOf(operation.index);
      return { ...node, operation: { op: 'host', index: known >= 0 ? known : used.push(operation.index) - 1 } };
    }
    if (operation.op !== 'repeat') return node;
    const body = { ...operation.body, nodes: renumberHost(operation.body.nodes, used) };
    const until = operation.until && { ...operation.until, nodes: renumberHost(operation.until.nodes, used) };
    return { ...node, operation: { ...operation, body, until } };
  });
}

/**
 * The program of a function of named tensors. Every backend can run it: for rules of one's own, for tests, for single
 * building blocks.
 */
export function trace<K extends string, R extends string>(
  inputs: Readonly<Record<K, Shape>>,
  f: (tensors: Record<K, Tensor>) => Readonly<Record<R, Tensor>>,
  name = 'trace',
): Program {
  const tracing = new Tracing();
  return during(tracing, () => {
    const outputs = f(mapValues(inputs, (shape, key) => inputTensor(tracing.graph, key, shape, 'working')));
    return finishProgram(
      name,
      tracing,
      Object.entries<Tensor>(outputs).map(([key, value]) => ({ key, value })),
    );
  });
}
