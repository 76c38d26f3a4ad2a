import type { Block, HostProgram, Node, Program, Shape } from '@opt/core';
import { apply, constant, type Expression, isConstant, isOp, type Name, type Statement, shapeOf } from './expression.ts';
import { simplified } from './simplify.ts';

/** A step as equations. */
export interface Equations {
  readonly statements: readonly Statement[];
  /** What the program writes, by key. */
  readonly results: ReadonlyMap<string, Expression>;
}

/** What a name stands for, before it has a letter. */
export const inputId = (key: string): string => `input ${key}`;
export const hyperId = (address: string): string => `hyper ${address}`;
export const countId = (counter: string): string => `count ${counter}`;
export const outputId = (key: string): string => `output ${key}`;

/** An expression of more operations than this gets a name where another uses it. */
const longest = 7;

/** The equations of a program: what its nodes compute, simplified, with a name for what is used twice, written out, or long. */
export function equationsOf(program: Program): Equations {
  const host = hostExpressions(program.host);
  const writer = new Writer((node) => leaf(node, host), 'x');
  const expressions = writer.read(program);
  const outputs = program.outputs.map(({ key, node }) => [key, expressions[node] ?? constant(Number.NaN)] as const);
  const kept = outputs.filter(([, value]) => value.kind === 'apply');
  const written = writer.write(kept.map(([key, value]) => ({ value, id: outputId(key) })));
  // What equals another result, or is what a loop leaves, is said so.
  const copies = kept.flatMap(([key, value]): Statement[] => {
    const name = writer.named(value);
    const id = outputId(key);
    return name.kind === 'name' && name.id === id ? [] : [{ kind: 'definition', id, shape: shapeOf(value), value: name }];
  });
  const statements = [...written, ...copies];
  return { statements, results: new Map(outputs.map(([key, value]) => [key, writer.named(value)])) };
}

function leaf({ operation, shape }: Node, host: readonly Expression[]): Expression | undefined {
  if (operation.op === 'input') return { kind: 'name', id: inputId(operation.key), shape };
  if (operation.op === 'literal') return constant(operation.value);
  if (operation.op === 'host') return host[operation.index] ?? constant(Number.NaN);
  return undefined;
}

function hostExpressions({ lines, scalars, hypers, counters }: HostProgram): readonly Expression[] {
  const values: Expression[] = [];
  const name = (id: string): Name => ({ kind: 'name', id, shape: [] });
  for (const line of lines) {
    if (line.op === 'literal') values.push(constant(line.value));
    else if (line.op === 'hyper') values.push(name(hyperId(hypers[line.index] ?? '')));
    else if (line.op === 'count') values.push(name(countId(counters[line.index] ?? '')));
    else if (line.op === 'call') values.push(name('call'));
    else
      values.push(
        simplified(
          apply(
            { op: line.op },
            line.args.map((arg) => values[arg] ?? constant(Number.NaN)),
          ),
        ),
      );
  }
  return scalars.map((line) => values[line] ?? constant(Number.NaN));
}

/** Reads a block into expressions that share what they share, then writes those out as statements. */
class Writer {
  private readonly leaf: (node: Node) => Expression | undefined;
  private readonly prefix: string;
  private readonly names = new Map<Expression, Name>();
  private readonly wanted = new Map<Expression, string>();
  private readonly uses = new Map<Expression, number>();
  private readonly weights = new Map<Expression, number>();
  private readonly written = new Set<Expression>();
  private readonly statements: Statement[] = [];
  private next = 0;

  constructor(leaf: (node: Node) => Expression | undefined, prefix: string) {
    this.leaf = leaf;
    this.prefix = prefix;
  }

  read({ nodes }: Block): readonly Expression[] {
    const read: Expression[] = [];
    for (const node of nodes) {
      const { operation, shape, dtype, inputs } = node;
      const args = inputs.map((input) => read[input] ?? constant(Number.NaN));
      read.push(this.leaf(node) ?? simplified(apply(operation, args, shape, dtype)));
    }
    return read;
  }

  /** Statements after which every root can be named; a root with an `id` is called so. */
  write(roots: readonly { readonly value: Expression; readonly id?: string }[]): readonly Statement[] {
    for (const { value, id } of roots) {
      if (id !== undefined && !this.wanted.has(value)) this.wanted.set(value, id);
      this.count(value);
    }
    for (const { value } of roots) this.emit(value);
    return this.statements;
  }

  /** An expression in which everything that has a name is called by it. */
  named(expression: Expression): Expression {
    const name = this.names.get(expression);
    if (name !== undefined || expression.kind !== 'apply') return name ?? expression;
    return { ...expression, args: expression.args.map((arg) => this.named(arg)) };
  }

  private count(expression: Expression): void {
    const uses = this.uses.get(expression) ?? 0;
    this.uses.set(expression, uses + 1);
    if (uses === 0 && expression.kind === 'apply') for (const arg of expression.args) this.count(arg);
  }

  private emit(expression: Expression): void {
    if (expression.kind !== 'apply' || this.written.has(expression)) return;
    this.written.add(expression);
    for (const arg of expression.args) this.emit(arg);
    if (expression.operation.op === 'repeat') {
      for (const arg of expression.args) this.name(arg);
      this.loop(expression);
      return;
    }
    if (isOp(expression, 'part') && this.names.has(expression)) return;
    const weight = 1 + expression.args.reduce((sum, arg) => sum + (this.names.has(arg) ? 0 : (this.weights.get(arg) ?? 0)), 0);
    this.weights.set(expression, free.has(expression.operation.op) ? weight - 1 : weight);
    const shared = (this.uses.get(expression) ?? 0) > 1 && !isHost(expression) && !isView(expression);
    if (this.wanted.has(expression) || shared || weight > longest || ownLine.has(expression.operation.op)) this.name(expression);
  }

  private name(expression: Expression): void {
    if (expression.kind !== 'apply' || this.names.has(expression) || isConstant(expression)) return;
    if (isOp(expression, 'part') && isOp(expression.args[0], 'repeat')) return;
    const id = this.wanted.get(expression) ?? this.fresh();
    this.statements.push({ kind: 'definition', id, shape: expression.shape, value: this.named(expression) });
    this.names.set(expression, { kind: 'name', id, shape: expression.shape });
  }

  private fresh(): string {
    this.next += 1;
    return `${this.prefix}${this.next}`;
  }

  private loop(loop: Expression & { readonly kind: 'apply' }): void {
    const { operation, args } = loop;
    if (operation.op !== 'repeat') return;
    const given = args.map((arg) => this.named(arg));
    const carried = operation.body.results.map((result, i): Name => {
      const shape: Shape = operation.body.nodes[result]?.shape ?? [];
      return { kind: 'name', id: `${this.fresh()}.${i}`, shape };
    });
    const inside = (node: Node): Expression | undefined => {
      if (node.operation.op === 'parameter') return carried[node.operation.index] ?? given[node.operation.index];
      return this.leaf(node);
    };
    const block = (body: Block, prefix: string) => {
      const writer = new Writer(inside, `${carried[0]?.id ?? ''}${prefix}`);
      const read = writer.read(body);
      const results = body.results.map((result) => read[result] ?? constant(Number.NaN));
      const statements = writer.write(results.map((value) => ({ value })));
      return { statements, values: results.map((value) => writer.named(value)) };
    };
    const body = block(operation.body, '.b');
    const until = operation.until && block(operation.until, '.u');
    this.statements.push({
      kind: 'loop',
      times: operation.times,
      carried: carried.map(({ id, shape }, i) => ({
        id,
        shape,
        start: given[i] ?? constant(Number.NaN),
        next: body.values[i] ?? constant(Number.NaN),
      })),
      body: body.statements,
      until: until && { statements: until.statements, value: until.values[0] ?? constant(0) },
    });
    for (const expression of this.uses.keys()) {
      if (isOp(expression, 'part') && expression.args[0] === loop && expression.operation.op === 'part') {
        const name = carried[expression.operation.index];
        if (name) this.names.set(expression, name);
      }
    }
  }
}

/** Made of hyperparameters and counts alone: short, and best seen where it is used. */
const isHost = (expression: Expression): boolean =>
  expression.kind === 'apply'
    ? expression.shape.length === 0 && expression.args.length > 0 && expression.args.every(isHost)
    : expression.kind === 'constant' || /^(hyper|count|call)/.test(expression.id);

/** Another view of something that has a name, or of a constant. */
const isView = (expression: Expression): boolean =>
  expression.kind !== 'apply' || (free.has(expression.operation.op) && expression.args.every(isView));

/** What costs a reader nothing: other views of the same numbers. */
const free: ReadonlySet<string> = new Set(['cast', 'reshape', 'broadcastTo', 'transpose', 'part']);
const ownLine: ReadonlySet<string> = new Set(['eigh', 'orthonormalize', 'cholesky', 'random']);
