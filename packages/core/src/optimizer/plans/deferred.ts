import type { DType, Program } from '../../program/program.ts';
import type { Shape } from '../../program/shape.ts';
import { mapValues, record } from '../../records.ts';
import { isSymmetric } from '../../trace/emit.ts';
import { during, Tracing } from '../../trace/graph.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { finishProgram, inputTensor } from '../../trace/trace.ts';
import type { Tensors } from '../../transform/transform.ts';
import { deferredKey } from '../memory/keys.ts';

/** A tensor on its way into or out of a deferred computation. */
interface Passed {
  /** What the stage calls it. */
  readonly name: string;
  readonly key: string;
  readonly shape: Shape;
  /** As the stage sees it. */
  readonly dtype: DType;
}

/** A computation that is done beside the steps. */
export interface Deferred {
  readonly key: string;
  readonly inputs: readonly Passed[];
  readonly results: readonly Passed[];
  readonly program: Program;
}

/** What one step hands over: done in one go. */
export interface Batch {
  readonly requests: readonly Deferred[];
  readonly program: Program;
}

/** How deferred computations stand in the step at hand. */
export interface Standing {
  /** Which are pending and which have arrived: what a plan depends on. */
  readonly answer: string;
  /** The same in a word. */
  readonly label: string;
  /** Undefined: not asked for; else pending, or what has arrived. */
  of(key: string): 'pending' | Deferred | undefined;
  defers(program: Program): boolean;
}

/** Buffers hold no indices: they travel as numbers. */
export const storedType = (dtype: DType): Exclude<DType, 'int'> => (dtype === 'int' ? 'working' : dtype);
export const stored = (tensor: Tensor): Tensor => (tensor.dtype === 'int' ? tensor.working() : tensor);
const restored = (tensor: Tensor, dtype: DType): Tensor => (dtype === 'int' ? tensor.int() : tensor);

/** Traces `compute` into a program of its own. */
export function defer<I extends string>(
  key: string,
  stage: string,
  owner: string,
  given: Readonly<Record<I, Tensor>>,
  compute: (inputs: Readonly<Record<I, Tensor>>) => Tensors,
): Deferred {
  const tracing = new Tracing();
  const passed = (way: 'in' | 'out', tensors: Tensors): Passed[] =>
    Object.entries(tensors).map(([name, { shape, dtype }]) => ({ name, key: deferredKey(key, name, way, { shape, dtype }), shape, dtype }));
  return during(tracing, () =>
    tracing.within(stage, owner, () => {
      const read = mapValues(given, (tensor, name) => {
        const { shape, dtype } = tensor;
        const input = inputTensor(tracing.graph, deferredKey(key, name, 'in', tensor), shape, storedType(dtype), isSymmetric(tensor));
        return restored(input, dtype);
      });
      const results = compute(read);
      const program = finishProgram(
        key,
        tracing,
        Object.entries(results).map(([name, value]) => ({ key: deferredKey(key, name, 'out', value), value: stored(value) })),
      );
      if (program.host.scalars.length > 0)
        tracing.fail(`what '${key}' computes later must be of its inputs and constants, but it reads a host scalar: hand it over`);
      return { key, inputs: passed('in', given), results: passed('out', results), program };
    }),
  );
}

/** The results of a computation that is done. */
export const resultsOf = (deferred: Deferred, input: (key: string, shape: Shape, dtype: DType) => Tensor): Tensors =>
  record(deferred.results.map(({ name, key, shape, dtype }) => [name, restored(input(key, shape, storedType(dtype)), dtype)] as const));

/** One program that does what each of them would. */
export function merged(requests: readonly Deferred[]): Program {
  const nodes: Program['nodes'][number][] = [];
  const results: number[] = [];
  const inputs: Program['inputs'][number][] = [];
  const outputs: Program['outputs'][number][] = [];
  for (const { program } of requests) {
    const start = nodes.length;
    nodes.push(...program.nodes.map((node) => ({ ...node, inputs: node.inputs.map((input) => start + input) })));
    results.push(...program.results.map((node) => start + node));
    inputs.push(...program.inputs.map((input) => ({ ...input, node: start + input.node })));
    outputs.push(...program.outputs.map((output) => ({ ...output, node: start + output.node })));
  }
  return { name: 'background', nodes, results, inputs, outputs, host: { lines: [], scalars: [], hypers: [], counters: [] } };
}
