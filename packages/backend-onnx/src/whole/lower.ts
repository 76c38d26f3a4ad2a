import { BackendError, type Block, type DType, isNarrow, type Node, type Operation, type Program, type Shape, size } from '@opt/core';
import type { ElementType, GraphNode } from '../onnx/model.ts';
import { binaryOperators, isBinary, isUnary, unaryOperators } from './elementwise.ts';
import { NoOperatorError } from './no-operator-error.ts';
import { type Named, type Names, Scope } from './scope.ts';

/** How numbers of a program are held: indices as f64, as everywhere else in this package. @throws BackendError for codes, which no operator knows */
export function elementType(dtype: DType): ElementType {
  if (isNarrow(dtype))
    throw new BackendError(`onnx: a graph has no tensors of ${dtype} codes; state in fewer bits (stateDtype) runs in parts`);
  return dtype === 'working' ? 'float' : 'double';
}

/** What a block reads from outside. */
export interface Sources {
  input(key: string): Named;
  parameter(index: number): Named;
  /** A host scalar, as f64. */
  host(scope: Scope, index: number): Named;
}

/**
 * A program as operators of ONNX; gives the values of its outputs, in their order.
 *
 * @throws NoOperatorError
 */
export function lowerProgram(
  program: Program,
  names: Names,
  sources: Omit<Sources, 'parameter'>,
): { nodes: GraphNode[]; results: Named[] } {
  const scope = new Scope(names);
  const nowhere = (index: number): Named => ({ name: `parameter${index}`, type: 'float' });
  const block = { nodes: program.nodes, results: program.outputs.map(({ node }) => node) };
  const results = new Lowering(program.name, scope, { ...sources, parameter: nowhere }).block(block);
  return { nodes: scope.nodes, results };
}

class Lowering {
  readonly #program: string;
  readonly #scope: Scope;
  readonly #sources: Sources;
  readonly #values: Named[] = [];
  /** What loops carry, by the position of the loop. */
  readonly #loops = new Map<number, readonly Named[]>();

  constructor(program: string, scope: Scope, sources: Sources) {
    this.#program = program;
    this.#scope = scope;
    this.#sources = sources;
  }

  block({ nodes, results }: Block): Named[] {
    nodes.forEach((node, position) => {
      this.#values.push(this.#node(node, position, nodes));
    });
    return results.map((result) => this.#value(result));
  }

  #value(position: number): Named {
    return this.#values[position] ?? { name: '', type: 'float' };
  }

  /** Operand i of a node, held as the node itself is. */
  #operand({ inputs, dtype }: Node, i: number): Named {
    return this.#scope.cast(this.#value(inputs[i] ?? 0), elementType(dtype));
  }

  #node(node: Node, position: number, nodes: readonly Node[]): Named {
    const { operation, shape, dtype, inputs } = node;
    const [scope, type] = [this.#scope, elementType(dtype)];
    const { op } = operation;
    if (isUnary(op)) {
      // A test looks at its operand as it is.
      const x = op === 'isFinite' ? this.#value(inputs[0] ?? 0) : this.#operand(node, 0);
      return scope.cast(unaryOperators[op](scope, x), type);
    }
    if (isBinary(op)) {
      const [a, b] = [this.#value(inputs[0] ?? 0), this.#value(inputs[1] ?? 0)];
      const common = ['lt', 'le', 'eq'].includes(op) ? (a.type === 'double' || b.type === 'double' ? 'double' : 'float') : type;
      return scope.cast(binaryOperators[op](scope, scope.cast(a, common), scope.cast(b, common)), type);
    }
    switch (operation.op) {
      case 'input':
        return this.#sources.input(operation.key);
      case 'parameter':
        return this.#sources.parameter(operation.index);
      case 'literal':
        return scope.scalar(operation.value, type);
      case 'host':
        return scope.cast(this.#sources.host(scope, operation.index), type);
      case 'iota':
        return scope.add('Range', [scope.scalar(0, 'double'), scope.scalar(size(shape), 'double'), scope.scalar(1, 'double')]);
      case 'cast':
        return dtype === 'int' ? scope.cast(this.#index(inputs[0] ?? 0), type) : this.#operand(node, 0);
      case 'where':
        return scope.add('Where', [scope.truth(this.#value(inputs[0] ?? 0)), this.#operand(node, 1), this.#operand(node, 2)], {}, type);
      case 'sum':
        // In f64, rounded once.
        return scope.cast(this.#reduced('ReduceSum', scope.cast(this.#value(inputs[0] ?? 0), 'double'), operation), type);
      case 'maximum':
        return this.#reduced('ReduceMax', this.#operand(node, 0), operation);
      case 'reshape':
        return scope.add('Reshape', [this.#operand(node, 0), scope.integers(shape)]);
      case 'broadcastTo':
        return scope.add('Expand', [this.#operand(node, 0), scope.integers(shape)]);
      case 'transpose':
        return scope.add('Transpose', [this.#operand(node, 0)], { perm: { ints: operation.permutation } });
      case 'slice': {
        const ends = operation.starts.map((start, axis) => start + (shape[axis] ?? 1));
        return scope.add('Slice', [this.#operand(node, 0), scope.integers(operation.starts), scope.integers(ends)]);
      }
      case 'concat':
        return scope.add(
          'Concat',
          inputs.map((_, i) => this.#operand(node, i)),
          { axis: { int: operation.axis } },
        );
      case 'gather':
        return scope.add('Gather', [this.#operand(node, 0), this.#within(inputs[1] ?? 0, nodes[inputs[0] ?? 0]?.shape[operation.axis])], {
          axis: { int: operation.axis },
        });
      case 'row':
        return scope.add('Gather', [this.#operand(node, 0), this.#within(inputs[1] ?? 0, nodes[inputs[0] ?? 0]?.shape[0])]);
      case 'setRow':
        return this.#setRow(node);
      case 'argsort':
        return this.#argsort(node);
      case 'matmul':
        return this.#matmul(node, operation, nodes);
      case 'repeat':
        this.#loops.set(position, this.#loop(node, operation, nodes));
        return { name: '', type };
      case 'part':
        return this.#loops.get(inputs[0] ?? -1)?.[operation.index] ?? this.#value(inputs[0] ?? 0);
      default:
        throw new NoOperatorError(this.#program, node);
    }
  }

  #reduced(op: string, x: Named, { axes, keep }: { readonly axes: readonly number[]; readonly keep: boolean }): Named {
    const attributes = { keepdims: { int: Number(keep) }, noop_with_empty_axes: { int: 1 } };
    return this.#scope.add(op, [x, this.#scope.integers(axes)], attributes);
  }

  #index(position: number): Named {
    return this.#scope.cast(this.#value(position), 'int64');
  }

  /** An index brought to the nearest one there is. */
  #within(position: number, length = 1): Named {
    const [least, most] = [this.#scope.scalar(0, 'int64'), this.#scope.scalar(length - 1, 'int64')];
    return this.#scope.add('Clip', [this.#index(position), least, most]);
  }

  /** x with r in row i: where the number of a row is i. */
  #setRow(node: Node): Named {
    const { inputs, shape } = node;
    const [scope, rows] = [this.#scope, shape[0] ?? 1];
    const numbers = scope.names.constant('int64', [rows, ...shape.slice(1).map(() => 1)], [...Array(rows).keys()]);
    const chosen = scope.add('Equal', [numbers, this.#within(inputs[1] ?? 0, rows)], {}, 'bool');
    return scope.add('Where', [chosen, this.#operand(node, 2), this.#operand(node, 0)], {}, elementType(node.dtype));
  }

  /** Equal values stay in their order. */
  #argsort({ inputs, shape, dtype }: Node): Named {
    const [scope, order] = [this.#scope, this.#scope.names.fresh()];
    const x = this.#value(inputs[0] ?? 0);
    const attributes = { axis: { int: -1 }, largest: { int: 0 }, sorted: { int: 1 } };
    const count = scope.integers([shape.at(-1) ?? 1]);
    scope.nodes.push({ op: 'TopK', inputs: [x.name, count.name], outputs: [scope.names.fresh(), order], attributes });
    return scope.cast({ name: order, type: 'int64' }, elementType(dtype));
  }

  #matmul(node: Node, operation: Extract<Operation, { op: 'matmul' }>, nodes: readonly Node[]): Named {
    const { inputs, shape } = node;
    const [scope, added] = [this.#scope, inputs.length > 3];
    const constant = (i: number): number | undefined => {
      const factor = nodes[inputs[i] ?? -1]?.operation;
      return factor?.op === 'literal' ? factor.value : undefined;
    };
    const [alpha, beta] = [constant(2), added ? constant(4) : 1];
    const rank = (i: number): number => nodes[inputs[i] ?? -1]?.shape.length ?? 0;
    if (shape.length === 2 && rank(0) === 2 && rank(1) === 2 && alpha !== undefined && beta !== undefined && node.dtype === 'working') {
      return scope.add('Gemm', [this.#operand(node, 0), this.#operand(node, 1), ...(added ? [this.#operand(node, 3)] : [])], {
        transA: { int: Number(operation.transposeA) },
        transB: { int: Number(operation.transposeB) },
        alpha: { float: alpha },
        beta: { float: beta },
      });
    }
    const turned = (i: number, transposed: boolean): Named => {
      const last = rank(i);
      const perm = [...Array(Math.max(0, last - 2)).keys(), last - 1, last - 2];
      return transposed ? scope.add('Transpose', [this.#operand(node, i)], { perm: { ints: perm } }) : this.#operand(node, i);
    };
    const product = scope.add('MatMul', [turned(0, operation.transposeA), turned(1, operation.transposeB)]);
    const scaled = alpha === 1 ? product : scope.add('Mul', [product, this.#operand(node, 2)]);
    if (!added) return scaled;
    return scope.add('Add', [
      scaled,
      beta === 1 ? this.#operand(node, 3) : scope.add('Mul', [this.#operand(node, 3), this.#operand(node, 4)]),
    ]);
  }

  #loop(node: Node, { times, body, until }: Extract<Operation, { op: 'repeat' }>, nodes: readonly Node[]): readonly Named[] {
    const scope = this.#scope;
    const start = node.inputs.map((input) => this.#value(input));
    const carried = start.slice(0, body.results.length);
    const shapes = carried.map((_, i): Shape => nodes[node.inputs[i] ?? 0]?.shape ?? []);
    /** A block of the loop on values it carries; what it captured has a name out here. */
    const inside = (into: Scope, block: Block, held: readonly Named[]): Named[] =>
      new Lowering(this.#program, into, {
        ...this.#sources,
        parameter: (index) => held[index] ?? start[index] ?? { name: '', type: 'float' },
      }).block(block);
    const goesOn = (into: Scope, held: readonly Named[]): Named => {
      if (until === undefined) return into.names.constant('bool', [], [1]);
      const [stop = into.scalar(0, 'float')] = inside(into, until, held);
      return into.add('Reshape', [into.add('Equal', [stop, into.scalar(0, stop.type)], {}, 'bool'), into.integers([])]);
    };
    const rounds = new Scope(scope.names);
    const [round, going] = [scope.names.fresh(), scope.names.fresh()];
    const held = carried.map(({ type }) => ({ name: scope.names.fresh(), type }));
    const next = inside(rounds, body, held).map((value, i) => rounds.add('Identity', [rounds.cast(value, held[i]?.type ?? value.type)]));
    const on = rounds.add('Identity', [goesOn(rounds, next)]);
    const info = (named: Named, shape: Shape) => ({ ...named, shape });
    const graph = {
      name: `body${scope.names.fresh()}`,
      nodes: rounds.nodes,
      inputs: [
        info({ name: round, type: 'int64' }, []),
        info({ name: going, type: 'bool' }, []),
        ...held.map((value, i) => info(value, shapes[i] ?? [])),
      ],
      outputs: [info({ name: on.name, type: 'bool' }, []), ...next.map((value, i) => info(value, shapes[i] ?? []))],
      constants: [],
    };
    const outputs = carried.map(({ type }) => ({ name: scope.names.fresh(), type }));
    scope.nodes.push({
      op: 'Loop',
      inputs: [scope.scalar(Math.max(0, times), 'int64').name, goesOn(scope, carried).name, ...carried.map(({ name }) => name)],
      outputs: outputs.map(({ name }) => name),
      attributes: { body: { graph } },
    });
    return outputs;
  }
}
