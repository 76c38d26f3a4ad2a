import { type Block, type Node, type Operation, type Shape, sameShape, size } from '@opt/core';
import { found } from './found.ts';
import { isOne, Nowhere } from './nowhere.ts';
import type { Value, ValueOperation } from './value.ts';

/** Reduced elements of one result from which on a reduction is cut into slices, and the length of a slice. */
const slicedFrom = 16_384;
const sliceLength = 4096;

/** Most nodes a loop may become when its rounds are written out: then the rounds of several loops run side by side. */
const unrolled = 400;

/** The values of one block, operands before results; equal ones are one. */
export class Values {
  readonly list: Value[] = [];
  readonly results: readonly Value[];
  readonly #known = new Map<string, Value>();
  /** Undefined where flags are not to be used. */
  readonly #nowhere: Nowhere | undefined;
  readonly #flags = new Map<Value, Value>();

  /** `flags`: whether conditions on many tensors may become flags, which are down when the block begins. */
  constructor(block: Block, flags: boolean) {
    if (flags) this.#nowhere = new Nowhere();
    this.results = this.#lower(block, undefined).map((value) => this.#flagged(value));
  }

  add(operation: ValueOperation, inputs: readonly Value[], shape: Shape, symmetric = false): Value {
    const value = { id: this.list.length, operation, inputs, shape, size: size(shape), symmetric };
    this.list.push(value);
    return value;
  }

  /** A value that is the same wherever it is asked for. */
  #shared(operation: ValueOperation, inputs: readonly Value[], shape: Shape, symmetric = false): Value {
    const key = `${JSON.stringify(operation, exactly)} ${inputs.map(({ id }) => id)} ${shape}`;
    const known = this.#known.get(key) ?? this.add(operation, inputs, shape, symmetric);
    this.#known.set(key, known);
    return known;
  }

  #lower(block: Block, parameters: readonly Value[] | undefined): Value[] {
    const nodes: Value[] = [];
    const rolledOut = new Map<number, readonly Value[]>();
    block.nodes.forEach((node, position) => {
      const inputs = node.inputs.map((input) => found(nodes[input], `node ${input}`));
      const { operation } = node;
      if (operation.op === 'repeat' && isShort(operation)) {
        const captured = inputs.slice(operation.body.results.length);
        let carry: readonly Value[] = inputs.slice(0, operation.body.results.length);
        for (let round = 0; round < operation.times; round++) carry = this.#lower(operation.body, [...carry, ...captured]);
        rolledOut.set(position, carry);
        nodes.push(found(carry[0], 'what a loop carries'));
        return;
      }
      const loop = operation.op === 'part' ? rolledOut.get(node.inputs[0] ?? -1) : undefined;
      if (loop !== undefined && operation.op === 'part') nodes.push(found(loop[operation.index], `part ${operation.index}`));
      else if (operation.op === 'parameter' && parameters !== undefined) nodes.push(found(parameters[operation.index], 'a loop parameter'));
      else nodes.push(this.#node(node, inputs));
    });
    return block.results.map((result) => found(nodes[result], `result ${result}`));
  }

  #node(node: Node, given: readonly Value[]): Value {
    const inputs = node.operation.op === 'min' ? given : given.map((input) => this.#flagged(input));
    const value = this.#made(node, inputs);
    this.#nowhere?.note(value);
    return value;
  }

  /** What says that some conditions hold nowhere, made of a flag. */
  #flagged(value: Value): Value {
    const conditions = this.#nowhere?.of(value);
    if (conditions === undefined) return value;
    const flag = this.#flags.get(value) ?? this.add({ op: 'any' }, conditions, []);
    this.#flags.set(value, flag);
    return this.#shared({ op: 'sub' }, [this.#shared({ op: 'literal', value: 1 }, [], []), flag], value.shape);
  }

  #made(node: Node, inputs: readonly Value[]): Value {
    const { operation, shape, symmetric } = node;
    const [a, b, c, d, e] = inputs;
    const same = a !== undefined && sameShape(a.shape, shape);
    switch (operation.op) {
      case 'cast':
        if (node.dtype !== 'int') return found(a, 'what is cast');
        break;
      case 'where':
        if (b !== undefined && b === c && sameShape(b.shape, shape)) return b;
        break;
      case 'reshape':
        if (same) return a;
        if (a?.operation.op === 'reshape') return this.#node(node, a.inputs);
        break;
      case 'broadcastTo':
      case 'slice':
        if (same) return a;
        break;
      case 'transpose':
        if (same && operation.permutation.every((axis, i) => axis === i)) return a;
        break;
      case 'sum':
      case 'maximum':
        if (a !== undefined) return this.#reduction(operation.op, operation.axes, operation.keep, a, shape);
        break;
      case 'eigh':
      case 'orthonormalize':
      case 'cholesky':
      case 'solveTriangular':
        return this.#factorization(operation, inputs, shape);
      case 'matmul': {
        let value = this.#product(operation.transposeA, operation.transposeB, found(a, 'a factor'), found(b, 'a factor'), shape, symmetric);
        if (c !== undefined && !isOne(c)) value = this.#shared({ op: 'mul' }, [c, value], shape, symmetric);
        if (d === undefined) return value;
        const added = e === undefined || isOne(e) ? d : this.#shared({ op: 'mul' }, [e, d], shape, symmetric);
        return this.#shared({ op: 'add' }, [value, added], shape, symmetric);
      }
      case 'repeat': {
        // What is carried is written over in every round. The last operand says whether the loop has ended.
        const carried = operation.body.results.length;
        const own = inputs.map((input, i) => (i < carried ? this.add({ op: 'copy' }, [input], input.shape) : input));
        const ended = this.#shared({ op: 'literal', value: 0 }, [], []);
        return this.add(operation, [...own, this.add({ op: 'copy' }, [ended], [])], shape);
      }
      default:
        break;
    }
    return this.#shared(operation, inputs, shape, symmetric);
  }

  /** They read memory of their own, so that several of one shape can be one batch. */
  #factorization(operation: ValueOperation, inputs: readonly Value[], shape: Shape): Value {
    const key = `${JSON.stringify(operation)} ${inputs.map(({ id }) => id)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const own = inputs.map((input) => this.add({ op: 'copy' }, [input], input.shape));
    const value = this.add(operation, own, shape);
    this.#known.set(key, value);
    return value;
  }

  #reduction(kind: 'sum' | 'maximum', axes: readonly number[], keep: boolean, a: Value, shape: Shape): Value {
    const results = Math.max(1, size(shape));
    const reduced = a.size / results;
    if (reduced < slicedFrom || results > 64) return this.#shared({ op: kind, axes, keep }, [a], shape);
    const slices = Math.ceil(reduced / sliceLength);
    const partial = this.#shared({ op: 'partial', kind, axes, slices }, [a], [results, slices]);
    const joined = this.#shared({ op: kind, axes: [1], keep: false }, [partial], [results]);
    return this.#shared({ op: 'reshape' }, [joined], shape);
  }

  #product(transposeA: boolean, transposeB: boolean, a: Value, b: Value, shape: Shape, symmetric: boolean): Value {
    const inner = a.shape.at(transposeA ? -2 : -1) ?? 1;
    const results = size(shape);
    const tiles = Math.ceil((shape.at(-2) ?? 1) / 64) * Math.ceil((shape.at(-1) ?? 1) / 64) * (results / size(shape.slice(-2)));
    // A long inner axis and few tiles would keep most of a device idle: the inner axis is cut, and the pieces added afterwards.
    const slices = Math.min(Math.floor(64 / tiles), Math.floor(inner / 1024));
    if (slices < 2) return this.#shared({ op: 'product', transposeA, transposeB, slices: 1 }, [a, b], shape, symmetric);
    const pieces = this.#shared({ op: 'product', transposeA, transposeB, slices }, [a, b], [slices, ...shape], symmetric);
    return this.#shared({ op: 'sum', axes: [0], keep: false }, [pieces], shape, symmetric);
  }
}

/** JSON knows neither −0 nor what is not finite. */
const exactly = (_: string, value: unknown): unknown =>
  typeof value === 'number' && (Object.is(value, -0) || !Number.isFinite(value)) ? `number ${Object.is(value, -0) ? '-0' : value}` : value;

const isShort = ({ times, body, until }: Extract<Operation, { op: 'repeat' }>): boolean =>
  until === undefined && times * nodesOf(body) <= unrolled && body.results.length > 0;

const nodesOf = ({ nodes }: Block): number =>
  nodes.reduce((sum, { operation }) => sum + (operation.op === 'repeat' ? operation.times * nodesOf(operation.body) : 1), 0);
