import type { BinaryOp, HostLine, Node, Program, UnaryOp } from './program.ts';
import { unary } from './scalar.ts';
import { size } from './shape.ts';

/** Where a value can lie: every element is in [low, high], which may be infinite, or NaN where `nan` says so. */
export interface Span {
  readonly low: number;
  readonly high: number;
  readonly nan: boolean;
}

/** What is known before a program runs. Keys and hyperparameters that are not known may be anything. */
export interface Known {
  readonly input: (key: string) => Span | undefined;
  readonly hyper: (address: string) => Span | undefined;
  /** Rounds to working precision. */
  readonly round: (x: number) => number;
  /** The largest finite number of working precision. */
  readonly largest: number;
}

export const anything: Span = { low: -Infinity, high: Infinity, nan: true };
export const span = (low: number, high: number, nan = false): Span => ({ low, high, nan });
export const isFiniteSpan = ({ low, high, nan }: Span): boolean => !nan && low > -Infinity && high < Infinity;
export const hull = (a: Span, b: Span): Span => span(Math.min(a.low, b.low), Math.max(a.high, b.high), a.nan || b.nan);
export const holds = (outer: Span, { low, high, nan }: Span): boolean => outer.low <= low && outer.high >= high && (outer.nan || !nan);

const condition = span(0, 1);
/** Smaller divisors may be flushed to 0. */
const smallestNormal = 2 ** -126;
/** More steps than anyone takes. */
const longest = 2 ** 53;

/**
 * Where the results of a program can lie, by interval arithmetic: `spans(program, known)[i]` is that of output i. Rounding is
 * monotone, so ends that are rounded enclose what is rounded. What factorisations and loops give is not followed.
 */
export function spans(program: Program, known: Known): Span[] {
  const host = hostSpans(program, known);
  const all: Span[] = [];
  for (const node of program.nodes) all.push(spanOf(node, { program, all, host, known }));
  return program.outputs.map(({ node }) => all[node] ?? anything);
}

interface Context {
  readonly program: Program;
  readonly all: readonly Span[];
  readonly host: readonly Span[];
  readonly known: Known;
}

function hostSpans({ host }: Program, known: Known): Span[] {
  const lines: Span[] = [];
  const at = (position: number | undefined): Span => lines[position ?? -1] ?? anything;
  const value = (line: HostLine): Span => {
    switch (line.op) {
      case 'literal':
        return span(line.value, line.value, Number.isNaN(line.value));
      case 'hyper':
        return known.hyper(host.hypers[line.index] ?? '') ?? anything;
      case 'count':
        return span(1, longest);
      case 'call':
        return span(0, longest);
      case 'where':
        return hull(at(line.args[1]), at(line.args[2]));
      default:
        return isUnary(line.op)
          ? ofUnary(line.op, at(line.args[0]), exact)
          : ofBinary(line.op, at(line.args[0]), at(line.args[1]), line.args[0] === line.args[1], exact);
    }
  };
  for (const line of host.lines) lines.push(value(line));
  return host.scalars.map((line) => {
    const { low, high, nan } = at(line);
    return span(known.round(low), known.round(high), nan);
  });
}

const exact = (x: number): number => x;

function spanOf(node: Node, context: Context): Span {
  const { operation, inputs } = node;
  const { all, host, known, program } = context;
  const { round } = known;
  const operand = (i: number): Span => all[inputs[i] ?? -1] ?? anything;
  switch (operation.op) {
    case 'input':
      return known.input(operation.key) ?? anything;
    case 'literal': {
      const value = round(operation.value);
      return span(value, value, Number.isNaN(value));
    }
    case 'host':
      return host[operation.index] ?? anything;
    case 'iota':
      return span(0, size(node.shape));
    case 'argsort':
      return span(0, node.shape.at(-1) ?? 1);
    case 'random':
      return span(-64, 64);
    case 'cast':
    case 'reshape':
    case 'broadcastTo':
    case 'transpose':
    case 'slice':
    case 'gather':
    case 'row':
    case 'maximum':
      return operand(0);
    case 'setRow':
      return hull(operand(0), operand(2));
    case 'concat':
      return inputs.map((_, i) => operand(i)).reduce(hull);
    case 'where':
      return ofWhere(node, context);
    case 'sum': {
      const terms = size(program.nodes[inputs[0] ?? -1]?.shape ?? []) / Math.max(1, size(node.shape));
      const { low, high, nan } = operand(0);
      return span(round(Math.min(0, low) * terms), round(Math.max(0, high) * terms), nan || (low === -Infinity && high === Infinity));
    }
    case 'matmul':
      return ofProduct(node, context);
    case 'parameter':
    case 'part':
    case 'eigh':
    case 'cholesky':
    case 'orthonormalize':
    case 'solveTriangular':
    case 'repeat':
      return anything;
    default:
      if (isUnary(operation.op)) return ofUnary(operation.op, operand(0), round);
      return ofMean(node, context) ?? ofBinary(operation.op, operand(0), operand(1), inputs[0] === inputs[1], round);
  }
}

const unaryNames: ReadonlySet<string> = new Set(Object.keys(unary));
const isUnary = (op: string): op is UnaryOp => unaryNames.has(op);

function ofUnary(op: UnaryOp, x: Span, round: (x: number) => number): Span {
  const { low, high, nan } = x;
  const monotone = (from = low): Span => span(round(unary[op](from)), round(unary[op](high)), nan);
  switch (op) {
    case 'neg':
      return span(-high, -low, nan);
    case 'abs':
      return span(low > 0 ? low : high < 0 ? -high : 0, Math.max(-low, high), nan);
    case 'sign':
      return span(Math.sign(low), Math.sign(high), nan);
    case 'sqrt':
    case 'log':
      if (high < 0) return anything;
      return low < 0 ? { ...monotone(0), nan: true } : monotone();
    case 'exp':
    case 'expm1':
    case 'floor':
      return monotone();
    case 'sin':
    case 'cos':
      return span(-1, 1, nan || low === -Infinity || high === Infinity);
    case 'isFinite':
      return condition;
  }
}

function ofBinary(op: BinaryOp, a: Span, b: Span, same: boolean, round: (x: number) => number): Span {
  const nan = a.nan || b.nan;
  const infinite = ({ low, high }: Span): boolean => low === -Infinity || high === Infinity;
  const zero = ({ low, high }: Span): boolean => low <= 0 && high >= 0;
  switch (op) {
    case 'add':
      return span(
        sum(a.low, b.low, -Infinity, round),
        sum(a.high, b.high, Infinity, round),
        nan || (a.low === -Infinity && b.high === Infinity) || (a.high === Infinity && b.low === -Infinity),
      );
    case 'sub':
      return ofBinary('add', a, span(-b.high, -b.low, b.nan), false, round);
    case 'mul': {
      const lost = nan || (zero(a) && infinite(b)) || (zero(b) && infinite(a));
      if (same) {
        const most = Math.max(-a.low, a.high);
        return span(zero(a) ? 0 : round(Math.min(a.low ** 2, a.high ** 2)), round(most * most), nan);
      }
      return corners([a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high], lost, round);
    }
    case 'div': {
      if (b.low > -smallestNormal && b.high < smallestNormal) return anything;
      const lost = nan || (infinite(a) && infinite(b));
      if (b.low < smallestNormal && b.high > -smallestNormal) {
        // Next to 0 the quotient has no bound, and 0/0 is NaN; its sign is known where both signs are.
        if (zero(a) || b.low < 0) return anything;
        return a.low > 0 ? span(0, Infinity, lost) : span(-Infinity, 0, lost);
      }
      return corners([a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high], lost, round);
    }
    case 'max':
      return span(Math.max(a.low, b.low), Math.max(a.high, b.high), nan);
    case 'min':
      return span(Math.min(a.low, b.low), Math.min(a.high, b.high), nan);
    case 'copySign': {
      const most = Math.max(-a.low, a.high);
      return span(-most, most, a.nan);
    }
    case 'pow':
      return a.low >= 0 && !nan && !infinite(b) ? span(0, Infinity) : anything;
    case 'lt':
    case 'le':
    case 'eq':
      return condition;
  }
}

/** An end of a sum; opposite infinities leave no bound. */
function sum(x: number, y: number, unbounded: number, round: (x: number) => number): number {
  const total = round(x + y);
  return Number.isNaN(total) ? unbounded : total;
}

/** The hull of products or quotients of ends; 0·∞ and ∞/∞ count as 0 here, and as NaN in `nan`. */
function corners(values: readonly number[], nan: boolean, round: (x: number) => number): Span {
  const ends = values.map((x) => (Number.isNaN(x) ? 0 : round(x)));
  return span(Math.min(...ends), Math.max(...ends), nan);
}

const operationAt = ({ program }: Context, position: number | undefined): Node | undefined => program.nodes[position ?? -1];

/** (a − w·a) + w·b, and v·a + w·b with v = 1 − w of the host, lie between a and b for w in [0, 1]. */
function ofMean(node: Node, context: Context): Span | undefined {
  const operands = node.operation.op === 'add' ? (meanWithout(node, context) ?? meanOf(node, context)) : undefined;
  if (operands === undefined) return undefined;
  const [w, a, b] = operands.map((position) => context.all[position] ?? anything);
  if (w === undefined || a === undefined || b === undefined) return undefined;
  return holds(condition, w) && isFiniteSpan(a) && isFiniteSpan(b) ? hull(a, b) : undefined;
}

type Mean = readonly [weight: number, old: number, next: number];

/** (a − w·a) + w·b */
function meanWithout(node: Node, context: Context): Mean | undefined {
  const [kept, taken] = [operationAt(context, node.inputs[0]), operationAt(context, node.inputs[1])];
  if (kept?.operation.op !== 'sub' || taken?.operation.op !== 'mul') return undefined;
  const [old, away] = kept.inputs;
  const lost = operationAt(context, away);
  if (old === undefined || lost?.operation.op !== 'mul') return undefined;
  const weight = other(lost, old);
  const next = weight === undefined ? undefined : other(taken, weight);
  return weight === undefined || next === undefined ? undefined : [weight, old, next];
}

/** v·a + w·b, one of the two 1 minus the other. */
function meanOf(node: Node, context: Context): Mean | undefined {
  const [kept, taken] = [operationAt(context, node.inputs[0]), operationAt(context, node.inputs[1])];
  if (kept?.operation.op !== 'mul' || taken?.operation.op !== 'mul') return undefined;
  for (const v of kept.inputs) {
    for (const w of taken.inputs) {
      const [old, next] = [other(kept, v), other(taken, w)];
      if (old !== undefined && next !== undefined && (areComplements(v, w, context) || areComplements(w, v, context)))
        return [w, old, next];
    }
  }
  return undefined;
}

/** The other operand of a product. */
const other = ({ inputs }: Node, one: number): number | undefined =>
  inputs[0] === one ? inputs[1] : inputs[1] === one ? inputs[0] : undefined;

/** Whether a host scalar is 1 minus the other. */
function areComplements(v: number, w: number, context: Context): boolean {
  const { lines, scalars } = context.program.host;
  const lineOf = (position: number): number | undefined => {
    const operation = operationAt(context, position)?.operation;
    return operation?.op === 'host' ? scalars[operation.index] : undefined;
  };
  const [of, is] = [lineOf(v), lines[lineOf(w) ?? -1]];
  if (of === undefined || is?.op !== 'sub') return false;
  const one = lines[is.args[0] ?? -1];
  return one?.op === 'literal' && one.value === 1 && is.args[1] === of;
}

/** A select; what its condition says of a branch is used where it is about that branch itself. */
function ofWhere(node: Node, context: Context): Span {
  const [chosen, left, right] = node.inputs;
  const [a, b] = [context.all[left ?? -1] ?? anything, context.all[right ?? -1] ?? anything];
  const asked = operationAt(context, chosen);
  if (asked?.operation.op === 'isFinite' && asked.inputs[0] === left) {
    const { largest } = context.known;
    return hull(span(Math.max(a.low, -largest), Math.min(a.high, largest)), b);
  }
  if ((asked?.operation.op === 'lt' || asked?.operation.op === 'le') && asked.inputs[1] === left) {
    const bound = context.all[asked.inputs[0] ?? -1] ?? anything;
    return hull(span(Math.max(a.low, bound.low), a.high), b);
  }
  return hull(a, b);
}

/** α·A·B + β·C: as many products as the inner axis is long. */
function ofProduct(node: Node, context: Context): Span {
  const { operation, inputs } = node;
  const { round } = context.known;
  const [a, b, alpha, c, beta] = inputs.map((position) => context.all[position] ?? anything);
  if (operation.op !== 'matmul' || a === undefined || b === undefined || alpha === undefined) return anything;
  const inner = operationAt(context, inputs[0])?.shape.at(operation.transposeA ? -2 : -1) ?? 1;
  const most = ({ low, high, nan }: Span): number => (nan ? Infinity : Math.max(-low, high));
  const added = c === undefined ? 0 : round(most(c) * (beta === undefined ? 1 : most(beta)));
  const product = round(round(inner * round(most(a) * most(b))) * most(alpha));
  const bound = round(product + added);
  return Number.isFinite(bound) ? span(-bound, bound) : anything;
}
