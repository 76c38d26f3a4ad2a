import { type BinaryOp, binary, binaryOps, type Shape, sameShape, type UnaryOp, unary, unaryOps } from '@opt/core';
import { type Apply, apply, constant, type Expression, isConstant, isOp, shapeOf } from './expression.ts';

const unaryNames: ReadonlySet<string> = new Set(unaryOps);
const binaryNames: ReadonlySet<string> = new Set(binaryOps);
const isUnary = (op: string): op is UnaryOp => unaryNames.has(op);
const isBinary = (op: string): op is BinaryOp => binaryNames.has(op);

/** Beyond it a bound only keeps f32 from overflowing, and below its reciprocal only from dividing by 0. */
const huge = 1e15;

const isHuge = (expression: Expression | undefined): boolean => isConstant(expression) && Math.abs(expression.value) >= huge;
const isTiny = (expression: Expression | undefined): boolean => isConstant(expression) && Math.abs(expression.value) <= 1e-30;

/**
 * A shorter expression with the same value wherever every number is finite and nothing that is divided by is 0. What guards against
 * the rest is left out: bounds near the largest number, selects by `isFinite`, replacements of a 0 by 1. The rest is rewritten so that
 * it reads as one would write it: 1 − βᵗ, βm + (1−β)g, a fraction.
 */
export function simplified(node: Apply): Expression {
  const { operation, args, shape } = node;
  const [a, b, c] = args;
  if (a === undefined) return node;
  const whole = (expression: Expression): Expression | undefined => (sameShape(shapeOf(expression), shape) ? expression : undefined);
  switch (operation.op) {
    case 'isFinite':
      return constant(1, shape);
    case 'cast':
      return node.dtype === 'int' ? node : (whole(a) ?? node);
    case 'maximum':
    case 'broadcastTo':
    case 'reshape':
      return isConstant(a) ? constant(a.value, shape) : node;
    case 'concat':
      return isConstant(a) && args.every((one) => isConstant(one, a.value)) ? constant(a.value, shape) : node;
    case 'where':
      return select(a, b, c, whole) ?? node;
    case 'min':
    case 'max':
      if (isHuge(b) || (operation.op === 'max' && isTiny(b))) return whole(a) ?? node;
      if (isHuge(a) || (operation.op === 'max' && isTiny(a))) return (b && whole(b)) ?? node;
      break;
    case 'sub':
      if (b !== undefined) {
        const kept = difference(a, b, shape);
        if (kept !== undefined) return kept;
      }
      break;
    case 'neg':
      // −(eˣ − 1) with x = t·log β is 1 − βᵗ.
      if (isOp(a, 'expm1')) {
        const power = powerOf(a.args[0]);
        if (power !== undefined) return apply({ op: 'sub' }, [constant(1), power]);
      }
      break;
    case 'mul':
      if (isConstant(a, 1) && b) return whole(b) ?? node;
      if (isConstant(b, 1)) return whole(a) ?? node;
      if (isOp(b, 'div') && isConstant(b.args[0], 1) && b.args[1]) return apply({ op: 'div' }, [a, b.args[1]], shape);
      if (isOp(a, 'div') && isConstant(a.args[0], 1) && a.args[1] && b) return apply({ op: 'div' }, [b, a.args[1]], shape);
      break;
    case 'div':
      if (isConstant(b, 1)) return whole(a) ?? node;
      break;
  }
  if (isUnary(operation.op) && isConstant(a)) return constant(unary[operation.op](a.value), shape);
  if (isBinary(operation.op) && isConstant(a) && isConstant(b)) return constant(binary[operation.op](a.value, b.value), shape);
  return node;
}

function powerOf(exponent: Expression | undefined): Expression | undefined {
  if (!isOp(exponent, 'mul')) return undefined;
  const [count, log] = exponent.args;
  const [base] = isOp(log, 'log') ? log.args : [];
  return count && base ? apply({ op: 'pow' }, [base, count]) : undefined;
}

function select(
  condition: Expression,
  yes: Expression | undefined,
  no: Expression | undefined,
  whole: (expression: Expression) => Expression | undefined,
): Expression | undefined {
  if (yes === undefined || no === undefined) return undefined;
  if (isConstant(condition)) return whole(condition.value === 0 ? no : yes);
  const [a, b] = condition.kind === 'apply' ? condition.args : [];
  // x where it is not 0.
  if (isOp(condition, 'eq') && isConstant(b, 0) && a === no && isConstant(yes)) return whole(no);
  if (isOp(condition, 'lt') && isConstant(no) && b === yes && (isTiny(a) || isConstant(a, 0)) && no.value !== 0) return whole(yes);
  return undefined;
}

/** x − x(1−c) is cx, and 1 − (1−c) is c. */
function difference(a: Expression, b: Expression, shape: Shape): Expression | undefined {
  if (isConstant(b, 0)) return sameShape(shapeOf(a), shape) ? a : undefined;
  if (isConstant(a, 1) && isOp(b, 'sub') && isConstant(b.args[0], 1) && b.args[1]) return b.args[1];
  if (!isOp(b, 'mul')) return undefined;
  const [x, factor] = b.args;
  if (x !== a || !isOp(factor, 'sub') || !isConstant(factor.args[0], 1) || factor.args[1] === undefined) return undefined;
  return apply({ op: 'mul' }, [factor.args[1], a], shape);
}
