import type { BinaryOp, UnaryOp } from '@opt/core';
import type { Named, Scope } from './scope.ts';

type Lower<N extends readonly Named[]> = (scope: Scope, ...operands: N) => Named;

const plain =
  (op: string): Lower<readonly Named[]> =>
  (scope, ...operands) =>
    scope.add(op, operands);

const test =
  (op: string): Lower<readonly [Named, Named]> =>
  (scope, a, b) =>
    scope.add(op, [a, b], {}, 'bool');

/** Each operation on operands of one type; tests give a truth value. */
export const unaryOperators: Readonly<Record<UnaryOp, Lower<readonly [Named]>>> = {
  neg: plain('Neg'),
  abs: plain('Abs'),
  sign: plain('Sign'),
  sqrt: plain('Sqrt'),
  exp: plain('Exp'),
  log: plain('Log'),
  floor: plain('Floor'),
  sin: plain('Sin'),
  cos: plain('Cos'),
  expm1(scope, x) {
    // Kahan's: (u − 1)·x / log u with u = eˣ, which loses nothing where u is near 1.
    const [one, minusOne] = [scope.scalar(1, x.type), scope.scalar(-1, x.type)];
    const u = scope.add('Exp', [x]);
    const less = scope.add('Sub', [u, one]);
    const exact = scope.add('Div', [scope.add('Mul', [less, x]), scope.add('Log', [u])]);
    const isOne = test('Equal')(scope, u, one);
    // eˣ that is 0 or infinite leaves nothing to correct.
    const flat = scope.add('Or', [test('LessOrEqual')(scope, less, minusOne), scope.add('IsInf', [u], {}, 'bool')], {}, 'bool');
    return scope.add('Where', [isOne, x, scope.add('Where', [flat, less, exact], {}, x.type)], {}, x.type);
  },
  isFinite: (scope, x) =>
    scope.add('Not', [scope.add('Or', [scope.add('IsInf', [x], {}, 'bool'), scope.add('IsNaN', [x], {}, 'bool')], {}, 'bool')]),
};

export const binaryOperators: Readonly<Record<BinaryOp, Lower<readonly [Named, Named]>>> = {
  add: plain('Add'),
  sub: plain('Sub'),
  mul: plain('Mul'),
  div: plain('Div'),
  max: plain('Max'),
  min: plain('Min'),
  pow: plain('Pow'),
  copySign(scope, x, y) {
    const zero = scope.scalar(0, y.type);
    // Of −0, only the reciprocal is below 0.
    const reciprocal = scope.add('Div', [scope.scalar(1, y.type), y]);
    const negative = scope.add('Or', [test('Less')(scope, y, zero), test('Less')(scope, reciprocal, zero)], {}, 'bool');
    const sign = scope.add('Where', [negative, scope.scalar(-1, x.type), scope.scalar(1, x.type)], {}, x.type);
    return scope.add('Mul', [scope.add('Abs', [x]), sign]);
  },
  lt: test('Less'),
  le: test('LessOrEqual'),
  eq: test('Equal'),
};

const unaryNames: ReadonlySet<string> = new Set(Object.keys(unaryOperators));
const binaryNames: ReadonlySet<string> = new Set(Object.keys(binaryOperators));
export const isUnary = (op: string): op is UnaryOp => unaryNames.has(op);
export const isBinary = (op: string): op is BinaryOp => binaryNames.has(op);
