import { anything, condition, holds, hull, isFiniteSpan, isUnary, ofBinary, ofUnary, type Span, span } from './interval.ts';
import { decoded, encoded, isNarrow, largestCoded } from './narrow.ts';
import type { HostLine, Node, Program } from './program.ts';
import { size } from './shape.ts';

/** What is known before a program runs. Keys and hyperparameters that are not known may be anything. */
export interface Known {
  readonly input: (key: string) => Span | undefined;
  readonly hyper: (address: string) => Span | undefined;
  /** Rounds to working precision. */
  readonly round: (x: number) => number;
  /** The largest finite number of working precision. */
  readonly largest: number;
}

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
    case 'encode':
      return ofCodes(node, operand(0));
    case 'cast':
      return node.dtype === 'int' ? toInteger(operand(0)) : operand(0);
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

/** Towards 0; what is no number, or too large for an index, is some number. */
const toInteger = ({ low, high, nan }: Span): Span =>
  nan || low < -(2 ** 31) || high > 2 ** 31
    ? span(Math.min(low, -(2 ** 31)), Math.max(high, 2 ** 31))
    : span(Math.trunc(low), Math.trunc(high));

/** Ends go outwards to the next code. In blocks, codes have a range of their own: whether there is a number, the block's scale shows. */
function ofCodes({ dtype }: Node, x: Span): Span {
  if (!isNarrow(dtype)) return anything;
  if (dtype !== 'bf16') return span(dtype === 'uint8' ? 0 : -largestCoded[dtype], largestCoded[dtype]);
  if (!isFiniteSpan(x)) return anything;
  const outwards = (end: number): number => decoded('bf16', encoded('bf16', end, 0xffff));
  return span(x.low < 0 ? outwards(x.low) : 0, x.high > 0 ? outwards(x.high) : 0);
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
      if (old !== undefined && next !== undefined && areComplementary(v, w, context)) return [w, old, next];
    }
  }
  return undefined;
}

/** The other operand of a product. */
const other = ({ inputs }: Node, one: number): number | undefined =>
  inputs[0] === one ? inputs[1] : inputs[1] === one ? inputs[0] : undefined;

const areComplementary = (v: number, w: number, context: Context): boolean =>
  areComplements(v, w, context) || areComplements(w, v, context);

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
  if ((context.all[chosen ?? -1] ?? anything).low > 0) return a;
  if (saysFinite(chosen, left, context)) {
    const { largest } = context.known;
    return hull(span(Math.max(a.low, -largest), Math.min(a.high, largest)), b);
  }
  if ((asked?.operation.op === 'lt' || asked?.operation.op === 'le') && asked.inputs[1] === left) {
    const bound = context.all[asked.inputs[0] ?? -1] ?? anything;
    return hull(span(Math.max(a.low, bound.low), a.high), b);
  }
  return hull(a, b);
}

/** Whether a condition that is not 0 says that every element of a tensor is finite: isFinite, `allFinite`, or that and something else. */
function saysFinite(condition: number | undefined, tensor: number | undefined, context: Context): boolean {
  const node = operationAt(context, condition);
  const [first, second] = node?.inputs ?? [];
  switch (node?.operation.op) {
    case 'isFinite':
      return first === tensor;
    case 'mul':
    case 'min':
      return saysFinite(first, tensor, context) || saysFinite(second, tensor, context);
    case 'sub':
      return isOne(first, context) && saysNotFinite(second, tensor, context);
    default:
      return false;
  }
}

/** max(1 − isFinite): 1 where one element is not. */
function saysNotFinite(condition: number | undefined, tensor: number | undefined, context: Context): boolean {
  const node = operationAt(context, condition);
  if (node?.operation.op !== 'maximum' || node.shape.length > 0) return false;
  const each = operationAt(context, node.inputs[0]);
  const [one, finite] = each?.operation.op === 'sub' ? each.inputs : [];
  const asked = operationAt(context, finite);
  return isOne(one, context) && asked?.operation.op === 'isFinite' && asked.inputs[0] === tensor;
}

const isOne = (position: number | undefined, context: Context): boolean => {
  const operation = operationAt(context, position)?.operation;
  return operation?.op === 'literal' && operation.value === 1;
};

/** α·A·B + β·C: as many products as the inner axis is long. */
function ofProduct(node: Node, context: Context): Span {
  const { operation, inputs } = node;
  const { round } = context.known;
  const [a, b, alpha, c, beta] = inputs.map((position) => context.all[position] ?? anything);
  if (operation.op !== 'matmul' || a === undefined || b === undefined || alpha === undefined) return anything;
  const inner = operationAt(context, inputs[0])?.shape.at(operation.transposeA ? -2 : -1) ?? 1;
  const most = ({ low, high, nan }: Span): number => (nan ? Infinity : Math.max(-low, high));
  const product = round(inner * round(most(a) * most(b)));
  const [, , weight, , other] = inputs;
  // An average of the product and what was there.
  if (c !== undefined && weight !== undefined && other !== undefined && areComplementary(weight, other, context)) {
    const between = Math.max(product, most(c));
    return holds(condition, alpha) && Number.isFinite(between) ? span(-between, between) : anything;
  }
  const added = c === undefined ? 0 : round(most(c) * (beta === undefined ? 1 : most(beta)));
  const bound = round(round(product * most(alpha)) + added);
  return Number.isFinite(bound) ? span(-bound, bound) : anything;
}
