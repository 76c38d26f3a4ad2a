import {
  BackendError,
  type Block,
  codeBytes,
  type DType,
  isNarrow,
  type Narrow,
  type Node,
  type Operation,
  type Shape,
  size,
  strides,
} from '@opt/core';
import { found } from './found.ts';

/** How a number is computed with. Indices are f64 too: exact, and nothing needs a third kind of arithmetic. */
export type Real = 'f32' | 'f64';

/** How a value is held: as a number, or as a code for one. */
export type Type = Real | Narrow;

export const bytesOf: Readonly<Record<Narrow, number>> & { readonly f32: 4; readonly f64: 8 } = { f32: 4, f64: 8, ...codeBytes };

/** The type of a value that is a number. */
export function real(type: Type): Real {
  if (isNarrow(type)) throw new BackendError(`wasm: a number is needed, received ${type}`);
  return type;
}

export const typeOfNode = (dtype: DType): Type => (isNarrow(dtype) ? dtype : dtype === 'working' ? 'f32' : 'f64');

/** `copy`: the operand as it is. `poison`: 1 where any element of the operand is not finite, else 0. */
export type ValueOperation = Operation | { readonly op: 'copy' } | { readonly op: 'poison'; readonly axes: readonly number[] };

/** A node made concrete: its type is settled, conversions are values of their own. */
export interface Value {
  readonly id: number;
  readonly operation: ValueOperation;
  readonly inputs: readonly Value[];
  readonly shape: Shape;
  readonly size: number;
  readonly type: Type;
  readonly symmetric: boolean;
}

export const operand = (value: Value, i: number): Value => found(value.inputs[i], `operand ${i} of '${value.operation.op}'`);

/** The value of a constant, if it is one. */
export const constantOf = ({ operation }: Value): number | undefined => (operation.op === 'literal' ? operation.value : undefined);

/** The values of one block, operands before results. */
export class Values {
  readonly list: Value[] = [];
  readonly results: readonly Value[];
  readonly #casts = new Map<string, Value>();

  constructor(block: Block) {
    const nodes: Value[] = [];
    for (const node of block.nodes) nodes.push(this.#lower(node, nodes));
    this.results = block.results.map((result) => find(nodes, result));
  }

  add(operation: ValueOperation, inputs: readonly Value[], shape: Shape, type: Type, symmetric = false): Value {
    const value = { id: this.list.length, operation, inputs, shape, size: size(shape), type, symmetric };
    this.list.push(value);
    return value;
  }

  #lower(node: Node, nodes: readonly Value[]): Value {
    const { operation, shape } = node;
    const type = typeOfNode(node.dtype);
    const inputs = node.inputs.map((input) => find(nodes, input));
    const add = (operands: readonly Value[]): Value => this.add(operation, operands, shape, type, node.symmetric);
    switch (operation.op) {
      case 'sum': {
        // Sums are accumulated in f64 and rounded once.
        const total = this.add(operation, inputs, shape, 'f64');
        return type === 'f64' ? total : this.cast(total, type);
      }
      case 'maximum': {
        const [x] = inputs;
        const tested = x === undefined ? undefined : poisonTest(x);
        if (tested !== undefined && operation.axes.length === x?.shape.length && x.size > 0)
          return this.add({ op: 'poison', axes: operation.axes }, [tested], shape, type);
        return add(inputs);
      }
      case 'cast':
        if (node.dtype === 'int') return add(inputs);
        return this.cast(find(inputs, 0), type);
      case 'matmul':
        // The factors stay as they are, they are converted where they are read.
        return add(inputs.map((input, i) => (i === 2 || i === 4 ? input : this.cast(input, type))));
      case 'eigh':
      case 'orthonormalize':
      case 'cholesky':
      case 'solveTriangular':
        return add(inputs.map((input) => this.cast(input, type)));
      case 'gather':
      case 'setRow':
        return add(inputs.map((input, i) => (i === 0 ? this.cast(input, type) : input)));
      case 'row':
      case 'reshape':
      case 'broadcastTo':
      case 'transpose':
      case 'slice':
        return add(inputs.map((input, i) => (i === 0 ? this.cast(input, type) : input)));
      default:
        return add(inputs);
    }
  }

  /** The value in another type. */
  cast(value: Value, type: Type): Value {
    if (value.type === type) return value;
    const key = `${value.id} ${type}`;
    const known = this.#casts.get(key) ?? this.add({ op: 'copy' }, [value], value.shape, type, value.symmetric);
    this.#casts.set(key, known);
    return known;
  }
}

const find = (values: readonly Value[], position: number): Value => found(values[position], `node ${position}`);

/** x in 1 − isFinite(x), the test a guard makes of every gradient. */
function poisonTest({ operation, inputs: [one, finite] }: Value): Value | undefined {
  if (operation.op !== 'sub' || one?.operation.op !== 'literal' || one.operation.value !== 1) return undefined;
  return finite?.operation.op === 'isFinite' ? finite.inputs[0] : undefined;
}

/** Where a value lies inside another one's memory. */
export interface Alias {
  readonly value: Value;
  /** In elements. */
  readonly offset: number;
}

/**
 * The value whose memory holds this one, where it is nothing but a part or another shape of it. The search ends at the first value
 * with memory of its own.
 */
export function aliased(value: Value, stored: (value: Value) => boolean): Alias {
  let [at, offset] = [value, 0];
  for (;;) {
    const source = at.inputs[0];
    const step = source === undefined || stored(at) ? undefined : partOffset(at, source);
    if (source === undefined || step === undefined) return { value: at, offset };
    offset += step;
    at = source;
  }
}

/** Where a value starts inside the one it is a part of, if it is one piece of it. */
export function partOffset({ operation, shape, size: length, type, inputs }: Value, source: Value): number | undefined {
  if (source.type !== type) return undefined;
  switch (operation.op) {
    case 'reshape':
      return 0;
    case 'part':
      if (source.operation.op !== 'eigh') return undefined;
      return operation.index === 0 ? 0 : source.size - length;
    case 'slice': {
      // In one piece where every axis behind the first one longer than 1 is whole.
      const first = shape.findIndex((n) => n !== 1);
      if (shape.some((n, axis) => first >= 0 && axis > first && n !== source.shape[axis])) return undefined;
      const steps = strides(source.shape);
      return operation.starts.reduce((sum, start, axis) => sum + start * (steps[axis] ?? 0), 0);
    }
    case 'row': {
      const index = inputs[1]?.operation;
      return index?.op === 'literal' ? literalRow(index.value, source) * length : undefined;
    }
    default:
      return undefined;
  }
}

/** A constant index brought to the nearest row. */
export const literalRow = (index: number, source: Value): number =>
  Math.min(Math.max(Math.trunc(Number.isNaN(index) ? 0 : index), 0), (source.shape[0] ?? 1) - 1);
