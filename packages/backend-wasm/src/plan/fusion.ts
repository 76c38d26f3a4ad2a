import { computedAgain, dependencies, Precedence, type Shape, strides } from '@opt/core';
import { type Body, makeBody, type Root, type Surroundings } from './body.ts';
import { aliased, literalRow, operand, type Value } from './values.ts';

export interface LoopWork {
  readonly kind: 'loop';
  readonly roots: Root[];
  body: Body;
}

export interface CallWork {
  readonly kind: 'call';
  readonly value: Value;
  /** Scalar operands, by position, computed on the way. */
  readonly factors: readonly (Body | undefined)[];
}

/** What a value with a row set starts from. */
export interface CopyWork {
  readonly kind: 'copy';
  readonly value: Value;
}

/** One piece of work: a loop nest, a call of a kernel, or the copy a changed row starts from. */
export interface Kernel {
  readonly id: number;
  readonly work: LoopWork | CallWork | CopyWork;
  /** Values read from memory. */
  reads: ReadonlySet<Value>;
  /** Kernels that must come before, apart from the producers of what is read. */
  readonly after: Set<Kernel>;
}

export interface Fused {
  readonly kernels: readonly Kernel[];
  readonly producers: ReadonlyMap<Value, readonly Kernel[]>;
  readonly precedence: Precedence<Value, Kernel>;
}

/** Operations whose result always lies in memory. */
const storing: ReadonlySet<string> = new Set([
  'input',
  'parameter',
  'matmul',
  'eigh',
  'orthonormalize',
  'cholesky',
  'solveTriangular',
  'argsort',
  'gather',
  'random',
  'repeat',
  'concat',
  'setRow',
  'sum',
  'maximum',
  'poison',
]);

export const storesItself = ({ operation, inputs }: Value): boolean =>
  storing.has(operation.op) || (operation.op === 'part' && inputs[0]?.operation.op === 'repeat');

/** Kernels that are tried for a new root: the last ones, since neighbours in the program have most in common. */
const window = 12;

/** Effort above which a value that several kernels need is computed once. */
const worthStoring = 3;

/** Groups the work of a block into kernels. Values in `targets` are wanted in memory of their own. */
export function fuse(list: readonly Value[], targets: readonly Value[]): Fused {
  const stored = new Set(targets);
  for (;;) {
    const planner = new Planner(list, stored);
    const wanted = planner.wanted();
    // Requests only ever grow in number, so this ends.
    if (wanted.size === 0) return planner;
    for (const value of wanted) stored.add(value);
  }
}

class Planner implements Surroundings, Fused {
  readonly kernels: Kernel[] = [];
  readonly precedence = new Precedence<Value, Kernel>();
  readonly producers = this.precedence.producers;
  readonly #memory: ReadonlySet<Value>;
  readonly #requests = new Set<Value>();

  constructor(list: readonly Value[], memory: ReadonlySet<Value>) {
    this.#memory = memory;
    const reached = dependencies(list, memory);
    for (const value of list) if (reached.has(value)) this.#plan(value);
  }

  stored(value: Value): boolean {
    return storesItself(value) || this.#memory.has(value);
  }

  request(value: Value): void {
    if (!this.stored(value)) this.#requests.add(value);
  }

  wanted(): ReadonlySet<Value> {
    if (this.#requests.size === 0) this.#requestShared();
    return this.#requests;
  }

  #plan(value: Value): void {
    const { operation, inputs } = value;
    switch (operation.op) {
      case 'input':
      case 'parameter':
        return;
      case 'part':
        // What a loop carries lies where the loop left it.
        if (inputs[0]?.operation.op === 'repeat')
          for (const kernel of this.producers.get(inputs[0]) ?? []) this.precedence.produces(kernel, value);
        else if (this.#memory.has(value)) this.#place(store(value, value));
        return;
      case 'sum':
      case 'maximum':
      case 'poison':
        this.#place({
          ...store(operand(value, 0), value),
          kind: 'reduce',
          targets: reducedStrides(operand(value, 0).shape, operation.axes),
        });
        return;
      case 'concat': {
        const steps = strides(value.shape);
        let offset = 0;
        for (const part of inputs) {
          this.#place({ ...store(part, value), offset, targets: steps });
          offset += (part.shape[operation.axis] ?? 1) * (steps[operation.axis] ?? 1);
        }
        return;
      }
      case 'setRow': {
        const [whole, index, row] = [operand(value, 0), operand(value, 1), operand(value, 2)];
        const copy = this.#add({ kind: 'copy', value }, [whole], [value]);
        const fixed = index.operation.op === 'literal' ? literalRow(index.operation.value, whole) * row.size : undefined;
        const choice = fixed === undefined ? { index, width: row.size, rows: value.shape[0] ?? 1 } : undefined;
        this.#place({ ...store(row, value), offset: fixed ?? 0, row: choice }, copy);
        return;
      }
      default:
        if (storesItself(value)) {
          const factors = inputs.map((input, i) => (isFactor(value, i) ? makeBody([store(input, value)], this) : undefined));
          this.#add(
            { kind: 'call', value, factors },
            inputs.filter((_, i) => factors[i] === undefined),
            [value],
          );
        } else if (this.#memory.has(value)) this.#place(store(value, value));
    }
  }

  #add(work: Kernel['work'], operands: readonly Value[], produced: readonly Value[]): Kernel {
    const reads = new Set<Value>();
    for (const value of operands) {
      const holder = aliased(value, (at) => this.stored(at)).value;
      if (this.stored(holder)) reads.add(holder);
      else this.request(holder);
    }
    if (work.kind === 'call') {
      for (const factor of work.factors) {
        for (const value of factor?.reads ?? []) reads.add(value);
        for (const value of factor?.refused ?? []) this.request(value);
      }
    }
    return this.#enter(work, reads, produced);
  }

  #enter(work: Kernel['work'], reads: ReadonlySet<Value>, produced: readonly Value[]): Kernel {
    const kernel = { id: this.kernels.length, work, reads, after: new Set<Kernel>() };
    this.kernels.push(kernel);
    for (const value of produced) this.precedence.produces(kernel, value);
    this.precedence.settle(kernel);
    return kernel;
  }

  /** Puts a root into a kernel that walks over as many elements and shares an operand, or else into a new one. */
  #place(root: Root, after?: Kernel): void {
    const alone = makeBody([root], this);
    for (const value of alone.refused) this.request(value);
    const candidates = this.kernels.slice(-window).reverse();
    for (const kernel of candidates) {
      const { work } = kernel;
      if (work.kind !== 'loop' || work.roots[0]?.source.size !== root.source.size || kernel === after) continue;
      if (root.source.size > 1 && !shares(alone, work.body) && !work.roots.some(({ into }) => alone.reads.has(into))) continue;
      const body = makeBody([...work.roots, root], this);
      if (body.refused.length > 0 || !this.#legal(kernel, body, after)) continue;
      work.roots.push(root);
      work.body = body;
      kernel.reads = body.reads;
      this.precedence.produces(kernel, root.into);
      this.#comesAfter(kernel, after);
      return;
    }
    const kernel = this.#enter({ kind: 'loop', roots: [root], body: alone }, alone.reads, [root.into]);
    this.#comesAfter(kernel, after);
  }

  #comesAfter(kernel: Kernel, earlier: Kernel | undefined): void {
    this.precedence.follow(kernel, earlier === undefined ? [] : [earlier]);
  }

  /** Whether everything `body` reads can be there before `kernel` starts. */
  #legal(kernel: Kernel, body: Body, after: Kernel | undefined): boolean {
    if (after !== undefined && this.precedence.dependsOn(after, kernel)) return false;
    for (const value of body.reads) {
      for (const producer of this.producers.get(value) ?? []) if (this.precedence.dependsOn(producer, kernel)) return false;
    }
    return true;
  }

  /** Requests memory for what several kernels would compute again and again, where that is no trifle. */
  #requestShared(): void {
    const computed = this.kernels.map(({ work }) =>
      work.kind === 'loop' ? new Set(work.body.instances.filter(({ read }) => read === undefined).map(({ value }) => value)) : [],
    );
    for (const value of computedAgain(computed, (one) => !this.stored(one) && this.#effort(one) > worthStoring)) this.request(value);
  }

  /** Operations it takes to compute a value from memory. */
  #effort(value: Value): number {
    const seen = new Set<Value>();
    const visit = (at: Value): number => {
      if (seen.has(at) || (at !== value && this.stored(at))) return 0;
      seen.add(at);
      return at.inputs.reduce((sum, input) => sum + visit(input), costs[at.operation.op] ?? 1);
    };
    return visit(value);
  }
}

const costs: Readonly<Partial<Record<string, number>>> = {
  literal: 0,
  host: 0,
  iota: 0,
  input: 0,
  parameter: 0,
  copy: 0,
  reshape: 0,
  part: 0,
  slice: 0,
  broadcastTo: 0,
  transpose: 0,
  row: 0,
  exp: 10,
  log: 10,
  expm1: 10,
  sin: 10,
  cos: 10,
  pow: 10,
};

const store = (source: Value, into: Value): Root => ({ kind: 'store', source, into, offset: 0, targets: undefined, row: undefined });

/** Scalar operands that a call takes by value. */
const isFactor = ({ operation }: Value, i: number): boolean =>
  operation.op === 'random' || (operation.op === 'matmul' && (i === 2 || i === 4));

function reducedStrides(shape: Shape, axes: readonly number[]): readonly number[] {
  const own = strides(shape.map((n, axis) => (axes.includes(axis) ? 1 : n)));
  return own.map((step, axis) => (axes.includes(axis) ? 0 : step));
}

function shares(a: Body, b: Body): boolean {
  for (const value of a.reads) if (value.size > 1 && b.reads.has(value)) return true;
  return false;
}
