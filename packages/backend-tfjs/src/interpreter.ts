import { BackendError, type Block, type Node, type Shape } from '@opt/core';
import { type Factorization, factorize, isFactorization, sharedLinalg } from '@opt/linalg';
import { equal, maximum, notEqual, type Tensor, tidy, cast as toType, where } from '@tensorflow/tfjs-core';
import { type HostKernel, hostKernel } from './host-kernels.ts';
import { type TensorKernel, tensorKernel } from './tensor-kernels.ts';
import {
  another,
  type Cell,
  fromHost,
  HostArray,
  isTensor,
  numbers,
  only,
  operand,
  part,
  type Reading,
  release,
  type Value,
  wideNumbers,
} from './values.ts';

/** What a block sees of the world around it. */
export interface Surroundings {
  readonly input: (key: string) => Value;
  readonly scalars: Float64Array;
  /** The carried and captured values of a loop body. */
  readonly parameters: readonly Value[];
}

/** One node made ready. */
interface Step {
  readonly node: Node;
  readonly onTensors: TensorKernel | undefined;
  onHost: HostKernel | undefined;
  readonly body: Interpreter | undefined;
  readonly until: Interpreter | undefined;
  /** Nodes that nothing reads after this one. */
  readonly over: readonly number[];
}

/** Nodes that stand for something made elsewhere. */
const borrowed: ReadonlySet<string> = new Set(['input', 'parameter']);
const withoutKernel: ReadonlySet<string> = new Set(['input', 'parameter', 'literal', 'host', 'part', 'repeat', 'random']);

/**
 * Runs a block node by node and frees every tensor after its last use. `hostIsWide`: the host may read the device, so `wide` is
 * f64 there; without it everything stays on the device.
 */
export class Interpreter {
  private readonly block: Block;
  private readonly hostIsWide: boolean;
  private readonly steps: readonly Step[];

  constructor(block: Block, hostIsWide: boolean) {
    this.block = block;
    this.hostIsWide = hostIsWide;
    const last = new Map<number, number>();
    block.nodes.forEach((node, position) => {
      last.set(position, position);
      for (const input of node.inputs) last.set(input, position);
    });
    for (const result of block.results) last.delete(result);
    this.steps = block.nodes.map((node, position): Step => {
      const { operation } = node;
      const loop = operation.op === 'repeat' ? operation : undefined;
      return {
        node,
        onTensors: withoutKernel.has(operation.op) || isFactorization(operation) ? undefined : tensorKernel(node, this.shapesOf(node)),
        onHost: undefined,
        body: loop && new Interpreter(loop.body, hostIsWide),
        until: loop?.until && new Interpreter(loop.until, hostIsWide),
        over: [...last].flatMap(([at, end]) => (end === position && !borrowed.has(block.nodes[at]?.operation.op ?? '') ? [at] : [])),
      };
    });
  }

  /** The results, each of them the caller's own. */
  *run(around: Surroundings): Reading<Value[]> {
    const cells: Cell[] = [];
    const alive = new Set<number>();
    try {
      for (const [position, step] of this.steps.entries()) {
        cells.push(yield* this.cell(step, cells, around));
        if (!borrowed.has(step.node.operation.op)) alive.add(position);
        for (const at of step.over) {
          if (alive.delete(at)) release(cells[at] ?? 0);
        }
      }
      return this.block.results.map((result) => {
        const value = only(cells[result]);
        return alive.delete(result) ? value : another(value);
      });
    } finally {
      for (const at of alive) release(cells[at] ?? 0);
    }
  }

  private *cell(step: Step, cells: readonly Cell[], around: Surroundings): Reading<Cell> {
    const { node } = step;
    const { operation } = node;
    switch (operation.op) {
      case 'input':
        return around.input(operation.key);
      case 'parameter':
        return part(around.parameters, operation.index);
      case 'literal':
        return operation.value;
      case 'host':
        return around.scalars[operation.index] ?? 0;
      case 'part':
        return another(part(cells[node.inputs[0] ?? -1], operation.index));
      case 'repeat':
        return yield* this.loop(step, operation.times, this.operands(node, cells), around);
      default: {
        const operands = this.operands(node, cells);
        if (isFactorization(operation)) return yield* this.factors(node, operation, operands);
        if (step.onTensors === undefined || this.belongsToHost(node, operands)) return yield* this.inHost(step, operands);
        return this.onTensors(step.onTensors, operands);
      }
    }
  }

  /** Wide work, and an order, which on the device takes all pairs. */
  private belongsToHost(node: Node, operands: readonly Value[]): boolean {
    return this.hostIsWide && (node.dtype === 'wide' || node.operation.op === 'argsort' || operands.some(inHost));
  }

  private onTensors(kernel: TensorKernel, operands: readonly Value[]): Tensor {
    return tidy(() => kernel(operands.map(operand)));
  }

  private *inHost(step: Step, operands: readonly Value[]): Reading<Value> {
    const { node } = step;
    const data: Float64Array[] = [];
    for (const value of operands) data.push(yield* wideNumbers(value));
    step.onHost ??= hostKernel(node, this.shapesOf(node));
    return this.value(node, step.onHost(data), node.shape);
  }

  /** What tfjs lacks, in the precision of the node. */
  private *factors(node: Node, factorization: Factorization, operands: readonly Value[]): Reading<Cell> {
    const shape = this.shapesOf(node).at(-1) ?? [];
    const wide = this.hostIsWide && node.dtype === 'wide';
    const parts = wide
      ? factorize(sharedLinalg(), factorization, yield* each(operands, wideNumbers), shape)
      : factorize(sharedLinalg(), factorization, yield* each(operands, numbers), shape);
    const [first = new Float64Array(0), vectors] = parts;
    if (vectors === undefined) return this.value(node, first, node.shape);
    return [this.value(node, first, shape.slice(0, -1)), this.value(node, vectors, shape)];
  }

  private value(node: Node, data: Float32Array | Float64Array, shape: Shape): Value {
    return this.hostIsWide && node.dtype === 'wide' ? new HostArray(Float64Array.from(data), shape) : fromHost(data, shape);
  }

  private *loop(step: Step, times: number, operands: readonly Value[], around: Surroundings): Reading<Value[]> {
    const { body, until } = step;
    if (body === undefined) throw new BackendError('tfjs: a loop has no body');
    let carry = operands.slice(0, body.block.results.length).map(another);
    const captured = operands.slice(carry.length);
    /** On a device that must not be read: 1 once the loop is over. */
    let over: Tensor | undefined;
    try {
      for (let round = 0; round < times; round++) {
        const inside = { ...around, parameters: [...carry, ...captured] };
        if (until !== undefined) {
          const [verdict = 0] = yield* until.run(inside);
          if (this.hostIsWide || !isTensor(verdict)) {
            const [stop = 0] = yield* wideNumbers(verdict);
            release(verdict);
            if (stop !== 0) return carry;
          } else {
            const before: Tensor | undefined = over;
            over = tidy(() => (before === undefined ? asBit(verdict) : maximum(before, asBit(verdict))));
            before?.dispose();
            verdict.dispose();
          }
        }
        const next: Value[] = yield* body.run(inside);
        const held = over;
        const kept = held === undefined ? next : next.map((value, i) => frozen(held, carry[i] ?? 0, value));
        if (held !== undefined) for (const value of next) release(value);
        for (const value of carry) release(value);
        carry = kept;
      }
      return carry;
    } catch (error) {
      for (const value of carry) release(value);
      throw error;
    } finally {
      over?.dispose();
    }
  }

  private operands(node: Node, cells: readonly Cell[]): Value[] {
    return node.inputs.map((input) => only(cells[input]));
  }

  private shapesOf(node: Node): Shape[] {
    return node.inputs.map((input) => this.block.nodes[input]?.shape ?? []);
  }
}

const inHost = (value: Value): boolean => value instanceof HostArray;

const asBit = (verdict: Tensor): Tensor => toType(notEqual(verdict, 0), 'float32');

/** `next` while the loop goes on, `carry` once it is over. */
const frozen = (over: Tensor, carry: Value, next: Value): Value => tidy(() => where(equal(over, 1), operand(carry), operand(next)));

function* each<T>(values: readonly Value[], read: (value: Value) => Reading<T>): Reading<T[]> {
  const result: T[] = [];
  for (const value of values) result.push(yield* read(value));
  return result;
}
