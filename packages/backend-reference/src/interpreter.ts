import { BackendError, type Block, type DType, type Floats, isNarrow, type Node, type Precision, size } from '@opt/core';
import { kernel } from './kernels.ts';

/** What a block sees of the world around it. */
export interface Context {
  readonly precision: Precision;
  readonly scalars: Float64Array;
  readonly input: (key: string) => Floats;
  /** The carried and captured tensors of a loop body. */
  readonly parameters: readonly Floats[];
}

/** Memory for `length` elements; indices are kept in f64, codes as numbers. */
export const allocate = (precision: Precision, dtype: DType, length: number): Floats =>
  isNarrow(dtype) || (dtype === 'working' && precision === 'f32') ? new Float32Array(length) : new Float64Array(length);

/** A block made ready: memory for every node, and a list of closures that fill it in order. */
export class Interpreter {
  readonly results: readonly Floats[];
  private readonly values: Floats[] = [];
  private readonly work: (() => void)[] = [];

  constructor(block: Block, context: Context) {
    // Parts of a loop are the loop's own carry, so a loop is kept beside its (empty) value.
    const loops = new Map<number, readonly Floats[]>();
    block.nodes.forEach((node, position) => {
      this.values.push(this.place(block, node, position, context, loops));
    });
    this.results = block.results.map((result) => this.value(result));
  }

  run(): void {
    for (const work of this.work) work();
  }

  private value(position: number): Floats {
    const value = this.values[position];
    if (value === undefined) throw new BackendError(`reference: node ${position} is used before it is computed`);
    return value;
  }

  private place(block: Block, node: Node, position: number, context: Context, loops: Map<number, readonly Floats[]>): Floats {
    const { operation, shape, dtype } = node;
    const operands = node.inputs.map((input) => this.value(input));
    switch (operation.op) {
      case 'input':
        return context.input(operation.key);
      case 'parameter': {
        const parameter = context.parameters[operation.index];
        if (parameter === undefined) throw new BackendError(`reference: a loop body has no parameter ${operation.index}`);
        return parameter;
      }
      case 'reshape':
        return operands[0] ?? new Float64Array(0);
      case 'host': {
        const out = allocate(context.precision, dtype, 1);
        this.work.push(() => {
          out[0] = context.scalars[operation.index] ?? 0;
        });
        return out;
      }
      case 'repeat': {
        const carry = operation.body.results.map((_, i) => (operands[i] ?? new Float64Array(0)).slice());
        const captured = operands.slice(carry.length);
        const inside = { ...context, parameters: [...carry, ...captured] };
        const body = new Interpreter(operation.body, inside);
        const until = operation.until && new Interpreter(operation.until, inside);
        loops.set(position, carry);
        this.work.push(() => {
          carry.forEach((held, i) => {
            held.set(operands[i] ?? []);
          });
          loop(operation.times, carry, body, until);
        });
        return new Float64Array(0);
      }
      case 'part': {
        const source = node.inputs[0] ?? -1;
        const loop = loops.get(source)?.[operation.index];
        if (loop !== undefined) return loop;
        // eigh: the values first, then the vectors.
        const packed = this.value(source);
        const values = size(shape) / (operation.index === 0 ? 1 : (shape.at(-1) ?? 1));
        return operation.index === 0 ? packed.subarray(0, values) : packed.subarray(values);
      }
      default: {
        const out = allocate(context.precision, dtype, size(shape));
        const run = kernel(node, block.nodes, operands, out);
        this.work.push(run);
        return out;
      }
    }
  }
}

function loop(times: number, carry: readonly Floats[], body: Interpreter, until: Interpreter | undefined): void {
  for (let round = 0; round < times; round++) {
    until?.run();
    if (until !== undefined && until.results[0]?.[0] !== 0) return;
    body.run();
    const next = body.results.map((result) => result.slice());
    carry.forEach((held, i) => {
      held.set(next[i] ?? []);
    });
  }
}
