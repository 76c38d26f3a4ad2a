import type { BinaryOp, UnaryOp } from './program.ts';
import { unary } from './scalar.ts';

/** Where a value can lie: every element is in [low, high], which may be infinite, or NaN where `nan` says so. */
export interface Span {
  readonly low: number;
  readonly high: number;
  readonly nan: boolean;
}

export const anything: Span = { low: -Infinity, high: Infinity, nan: true };
export const span = (low: number, high: number, nan = false): Span => ({ low, high, nan });
export const isFiniteSpan = ({ low, high, nan }: Span): boolean => !nan && low > -Infinity && high < Infinity;
export const hull = (a: Span, b: Span): Span => span(Math.min(a.low, b.low), Math.max(a.high, b.high), a.nan || b.nan);
export const holds = (outer: Span, { low, high, nan }: Span): boolean => outer.low <= low && outer.high >= high && (outer.nan || !nan);

/** What a comparison gives. */
export const condition: Span = span(0, 1);
/** Smaller divisors may be flushed to 0. */
const smallestNormal = 2 ** -126;

const unaryNames: ReadonlySet<string> = new Set(Object.keys(unary));
export const isUnary = (op: string): op is UnaryOp => unaryNames.has(op);

export function ofUnary(op: UnaryOp, x: Span, round: (x: number) => number): Span {
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
      return isFiniteSpan(x) ? span(1, 1) : condition;
  }
}

export function ofBinary(op: BinaryOp, a: Span, b: Span, same: boolean, round: (x: number) => number): Span {
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
