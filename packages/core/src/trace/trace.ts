import { withScalars } from '../program/host.ts';
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
  /** What has to be finite where the value itself cannot say it: numbers, of which it is the codes. */
  readonly looked?: Tensor | undefined;
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
  const nodes = block.nodes.map((node) => withScalars(node, used));
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
