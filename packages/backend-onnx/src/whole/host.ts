import type { HostLine, HostProgram } from '@opt/core';
import { binaryOperators, isBinary, isUnary, unaryOperators } from './elementwise.ts';
import type { Named, Scope } from './scope.ts';

/** Where host arithmetic gets its numbers from. */
export interface HostSources {
  /** The number of the call, from 1. */
  readonly step: Named;
  hyper(address: string): Named;
  /** A count that does not follow the number of the call. */
  count(counter: string): Named;
  /** By counter: how far it is behind the number of the call. */
  readonly lags: readonly (number | undefined)[];
}

/** Host arithmetic in f64, as operators; gives the program's host scalars. */
export function lowerHost(scope: Scope, { lines, scalars, hypers, counters }: HostProgram, sources: HostSources): readonly Named[] {
  const known = new Map<number, Named>();
  const at = (position: number): Named => {
    const value = known.get(position) ?? lower(lines[position]);
    known.set(position, value);
    return value;
  };
  const behind = (lag: number): Named => scope.add('Sub', [scope.cast(sources.step, 'double'), scope.scalar(lag, 'double')]);
  const lower = (line: HostLine | undefined): Named => {
    if (line === undefined) return scope.scalar(0, 'double');
    switch (line.op) {
      case 'literal':
        return scope.scalar(line.value, 'double');
      case 'hyper':
        return sources.hyper(hypers[line.index] ?? '');
      case 'call':
        return behind(1);
      case 'count': {
        const lag = sources.lags[line.index];
        return lag === undefined ? scope.cast(sources.count(counters[line.index] ?? ''), 'double') : behind(lag);
      }
      default:
        return applied(scope, line.op, line.args.map(at));
    }
  };
  return scalars.map(at);
}

function applied(scope: Scope, op: Extract<HostLine, { args: readonly number[] }>['op'], args: readonly Named[]): Named {
  const [a, b, c] = args;
  const zero = scope.scalar(0, 'double');
  if (isUnary(op)) return scope.cast(unaryOperators[op](scope, a ?? zero), 'double');
  if (isBinary(op)) return scope.cast(binaryOperators[op](scope, a ?? zero, b ?? zero), 'double');
  return scope.add('Where', [scope.truth(a ?? zero), b ?? zero, c ?? zero], {}, 'double');
}
