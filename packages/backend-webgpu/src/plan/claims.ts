import { found } from './found.ts';
import type { Region } from './region.ts';
import type { Source } from './step.ts';
import { operand, type Value } from './value.ts';
import type { Values } from './values.ts';

/** Which value is to lie in which target. A result that is a source, or has its place already, is copied; one that is its own target is left. */
export function claimed(values: Values, source: Source, targets: readonly Region[]): Map<Value, Region> {
  const claims = new Map<Value, Region>();
  targets.forEach((target, i) => {
    let value = found(values.results[i], `result ${i}`);
    while (value.operation.op === 'reshape') value = operand(value, 0);
    const { operation } = value;
    if ((operation.op === 'input' || operation.op === 'parameter') && source(operation).owner === target.owner) return;
    claims.set(elsewhere.has(operation.op) || claims.has(value) ? values.add({ op: 'copy' }, [value], value.shape) : value, target);
  });
  return claims;
}

/** Operations whose results lie somewhere else by nature, or nowhere. */
const elsewhere: ReadonlySet<string> = new Set([
  'input',
  'parameter',
  'literal',
  'host',
  'part',
  'eigh',
  'orthonormalize',
  'cholesky',
  'solveTriangular',
]);
