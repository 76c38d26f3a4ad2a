import type { BinaryOp, UnaryOp } from './program.ts';

/** What each elementwise operation means, in f64: shared by constant folding, host scalars and the reference backend. */
export const unary: Readonly<Record<UnaryOp, (x: number) => number>> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  expm1: Math.expm1,
  floor: Math.floor,
  sin: Math.sin,
  cos: Math.cos,
  isFinite: (x) => (Number.isFinite(x) ? 1 : 0),
};

const signBit = (x: number): boolean => x < 0 || Object.is(x, -0);

export const binary: Readonly<Record<BinaryOp, (x: number, y: number) => number>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  max: Math.max,
  min: Math.min,
  pow: (x, y) => x ** y,
  copySign: (x, y) => (signBit(x) === signBit(y) ? x : -x),
  lt: (x, y) => (x < y ? 1 : 0),
  le: (x, y) => (x <= y ? 1 : 0),
  eq: (x, y) => (x === y ? 1 : 0),
};
