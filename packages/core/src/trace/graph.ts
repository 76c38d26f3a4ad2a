import { ShapeError } from '../errors.ts';
import { HostBuilder } from '../program/host.ts';
import type { Block, DType, Node, Operation, Origin } from '../program/program.ts';
import { printShape, type Shape, sameShape } from '../program/shape.ts';

/** Where a traced value lives: arithmetic stays in the cheapest place, in this order. */
export type Residence =
  | { readonly in: 'literal'; readonly value: number }
  | { readonly in: 'host'; readonly line: number }
  | { readonly in: 'graph'; readonly graph: Graph; readonly node: number };

/** A traced value as data: what operations are written on. `Tensor` is the same with methods. */
export interface Traced {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly at: Residence;
}

/** What is being traced: the block now open, its host scalars, and whose code is writing. */
export class Tracing {
  readonly host: HostBuilder = new HostBuilder();
  /** What is no larger counts as 0 where it would be divided by: the smallest number that every device tells from 0, where that is known. */
  readonly smallest: number;
  graph: Graph = new Graph(this, undefined, []);
  private stage = '';
  private owner = '';
  private ordinal = 0;

  constructor(smallest = 0) {
    this.smallest = smallest;
  }

  /** Everything traced inside `f` is the work of `stage` on `owner`. */
  within<T>(stage: string, owner: string, f: () => T): T {
    const [outerStage, outerOwner, outerOrdinal] = [this.stage, this.owner, this.ordinal];
    [this.stage, this.owner, this.ordinal] = [stage, owner, 0];
    try {
      return f();
    } finally {
      [this.stage, this.owner, this.ordinal] = [outerStage, outerOwner, outerOrdinal];
    }
  }

  origin(): Origin {
    return { stage: this.stage, owner: this.owner, ordinal: this.ordinal++ };
  }

  fail(message: string): never {
    const stage = this.stage === '' ? '' : ` (stage '${this.stage}'${this.owner === '' ? '' : `, parameter '${this.owner}'`})`;
    throw new ShapeError(`${message}${stage}`);
  }
}

let active: Tracing | undefined;

/** The trace under way; tensors exist only inside one. */
export function tracing(): Tracing {
  if (active === undefined) throw new ShapeError('a tensor operation was called outside of a trace');
  return active;
}

/** Runs `f` with `trace` as the trace under way. */
export function during<T>(trace: Tracing, f: () => T): T {
  const outer = active;
  active = trace;
  try {
    return f();
  } finally {
    active = outer;
  }
}

/** A block under construction. Equal operations on equal operands are one node. */
export class Graph {
  readonly nodes: Node[] = [];
  private readonly trace: Tracing;
  private readonly parent: Graph | undefined;
  /** What a loop body took from outside, behind its own parameters; shared by its body and its `until`. */
  private readonly captured: Traced[];
  private readonly known = new Map<string, number>();
  /** Symmetric nodes that are polynomials of one symmetric matrix commute: their product is symmetric again. */
  private readonly families = new Map<number, string>();
  /** Nodes whose elements are nowhere near the largest number, see `moderate`. */
  readonly moderate: Set<number> = new Set();
  private parameters = 0;

  constructor(trace: Tracing, parent: Graph | undefined, captured: Traced[]) {
    this.trace = trace;
    this.parent = parent;
    this.captured = captured;
  }

  /** The position in this block of a tensor made here, outside, on the host or from a constant. */
  lower(tensor: Traced, dtype: DType = tensor.dtype): number {
    const { at } = tensor;
    const scalarType = dtype === 'int' ? 'working' : dtype;
    if (at.in === 'literal') return this.add({ op: 'literal', value: at.value }, [], [], scalarType);
    if (at.in === 'host') return this.add({ op: 'host', index: this.trace.host.scalar(at.line) }, [], [], scalarType);
    if (at.graph === this) return at.node;
    if (this.parent === undefined) return this.trace.fail('a tensor of another trace, or of a loop body that is closed, was used');
    let index = this.captured.findIndex((other) => other.at.in === 'graph' && other.at.graph === at.graph && other.at.node === at.node);
    if (index < 0) index = this.captured.push(tensor) - 1;
    const position = this.add({ op: 'parameter', index: this.parameters + index }, [], tensor.shape, tensor.dtype);
    const family = at.graph.family(at.node);
    if (family !== undefined) this.markSymmetric(position, `outer ${family}`);
    return position;
  }

  /** Declares the i-th carried tensor of a loop body. */
  parameter(shape: Shape, dtype: DType): number {
    return this.add({ op: 'parameter', index: this.parameters++ }, [], shape, dtype);
  }

  add(operation: Operation, inputs: readonly number[], shape: Shape, dtype: DType): number {
    const origin = this.trace.origin();
    const key = operation.op === 'repeat' ? undefined : `${nameOf(operation)}|${inputs.join()}|${shape.join()}|${dtype}`;
    const known = key === undefined ? undefined : this.known.get(key);
    if (known !== undefined) return known;
    const position = this.nodes.push({ operation, shape, dtype, inputs, symmetric: false, origin }) - 1;
    if (key !== undefined) this.known.set(key, position);
    return position;
  }

  node(position: number): Node {
    const node = this.nodes[position];
    if (node === undefined) return this.trace.fail(`no node ${position}`);
    return node;
  }

  family(position: number): string | undefined {
    return this.families.get(position);
  }

  markSymmetric(position: number, family = `${position}`): void {
    const node = this.node(position);
    if (node.shape.length < 2 || !sameShape(node.shape.slice(-1), node.shape.slice(-2, -1))) {
      this.trace.fail(`a matrix of shape ${printShape(node.shape)} cannot be symmetric`);
    }
    if (!node.symmetric) this.nodes[position] = { ...node, symmetric: true };
    if (!this.families.has(position)) this.families.set(position, family);
  }

  /** The block that computes `results`, without what they do not need. */
  finish(results: readonly number[]): Block {
    return prune({ nodes: this.nodes, results });
  }
}

/** Tells operations apart. JSON has neither −0 nor what is not finite. */
const nameOf = (operation: Operation): string =>
  operation.op === 'literal' ? `literal ${Object.is(operation.value, -0) ? '-0' : operation.value}` : JSON.stringify(operation);

/** Drops the nodes no result needs and renumbers the rest, order kept. */
export function prune(block: Block): Block {
  const needed = new Set<number>();
  const visit = [...block.results];
  for (let position = visit.pop(); position !== undefined; position = visit.pop()) {
    if (needed.has(position)) continue;
    needed.add(position);
    visit.push(...(block.nodes[position]?.inputs ?? []));
  }
  const renumbered = new Map<number, number>();
  const nodes: Node[] = [];
  block.nodes.forEach((node, position) => {
    if (!needed.has(position)) return;
    renumbered.set(position, nodes.length);
    nodes.push({ ...node, inputs: node.inputs.map((input) => renumbered.get(input) ?? 0) });
  });
  return { nodes, results: block.results.map((result) => renumbered.get(result) ?? 0) };
}
