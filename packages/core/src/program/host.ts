import type { BinaryOp, Block, HostLine, HostOp, HostProgram, Node, UnaryOp } from './program.ts';
import { binaryOps, unaryOps } from './program.ts';
import { binary, unary } from './scalar.ts';

const unaryNames: ReadonlySet<string> = new Set(unaryOps);
const binaryNames: ReadonlySet<string> = new Set(binaryOps);
const isUnary = (op: string): op is UnaryOp => unaryNames.has(op);
const isBinary = (op: string): op is BinaryOp => binaryNames.has(op);

/** The value of one host operation. */
export function applyHost(op: HostOp, a: number, b: number, c: number): number {
  if (isUnary(op)) return unary[op](a);
  if (isBinary(op)) return binary[op](a, b);
  return a !== 0 ? b : c;
}

/** Collects host arithmetic while a program is traced; equal expressions are one line. */
export class HostBuilder {
  private readonly lines: HostLine[] = [];
  private readonly known = new Map<string, number>();
  private readonly scalars: number[] = [];
  private readonly hypers: string[] = [];
  private readonly counters: string[] = [];

  literal(value: number): number {
    return this.line(`literal ${Object.is(value, -0) ? '-0' : value}`, { op: 'literal', value });
  }

  hyper(address: string): number {
    return this.line(`hyper ${address}`, { op: 'hyper', index: indexIn(this.hypers, address) });
  }

  count(counter: string): number {
    return this.line(`count ${counter}`, { op: 'count', index: indexIn(this.counters, counter) });
  }

  call(): number {
    return this.line('call', { op: 'call' });
  }

  apply(op: HostOp, args: readonly number[]): number {
    return this.line(`${op} ${args.join(' ')}`, { op, args });
  }

  /** The position of a line among the scalars handed to the device. */
  scalar(line: number): number {
    const known = this.scalars.indexOf(line);
    return known >= 0 ? known : this.scalars.push(line) - 1;
  }

  /** The host program with only the scalars in `used`, in that order. */
  finish(used: readonly number[]): HostProgram {
    return { lines: this.lines, scalars: used.map((index) => this.scalars[index] ?? 0), hypers: this.hypers, counters: this.counters };
  }

  private line(key: string, line: HostLine): number {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const index = this.lines.push(line) - 1;
    this.known.set(key, index);
    return index;
  }
}

function indexIn(list: string[], item: string): number {
  const known = list.indexOf(item);
  return known >= 0 ? known : list.push(item) - 1;
}

/** Runs a host program again and again without allocating: inputs in, `scalars` out. */
export class HostEvaluator {
  readonly scalars: Float64Array;
  private readonly program: HostProgram;
  private readonly values: Float64Array;

  constructor(program: HostProgram) {
    this.program = program;
    this.values = new Float64Array(program.lines.length);
    this.scalars = new Float64Array(program.scalars.length);
  }

  run(hypers: ArrayLike<number>, counts: ArrayLike<number>, call: number): Float64Array {
    const { program, values, scalars } = this;
    for (let i = 0; i < program.lines.length; i++) values[i] = this.evaluate(program.lines[i], hypers, counts, call);
    for (let i = 0; i < scalars.length; i++) scalars[i] = values[program.scalars[i] ?? 0] ?? 0;
    return scalars;
  }

  private evaluate(line: HostLine | undefined, hypers: ArrayLike<number>, counts: ArrayLike<number>, call: number): number {
    if (line === undefined) return 0;
    if (line.op === 'literal') return line.value;
    if (line.op === 'hyper') return hypers[line.index] ?? 0;
    if (line.op === 'count') return counts[line.index] ?? 0;
    if (line.op === 'call') return call;
    const { values } = this;
    return applyHost(line.op, values[line.args[0] ?? 0] ?? 0, values[line.args[1] ?? 0] ?? 0, values[line.args[2] ?? 0] ?? 0);
  }
}

/** A node with its host scalars numbered anew, in the order of first use, which `used` keeps. */
export function withScalars(node: Node, used: number[]): Node {
  const { operation } = node;
  if (operation.op === 'host') {
    const known = used.indexOf(operation.index);
    return { ...node, operation: { op: 'host', index: known >= 0 ? known : used.push(operation.index) - 1 } };
  }
  if (operation.op !== 'repeat') return node;
  const inside = (block: Block): Block => ({ ...block, nodes: block.nodes.map((inner) => withScalars(inner, used)) });
  return { ...node, operation: { ...operation, body: inside(operation.body), until: operation.until && inside(operation.until) } };
}
