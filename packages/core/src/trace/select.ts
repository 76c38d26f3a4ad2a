import { broadcast, printShape } from '../program/shape.ts';
import { broadcastTo, row, setRow } from './arrange.ts';
import { combine, host, linesOf, map } from './elementwise.ts';
import { commonType, emit, fail, familyOf, isSymmetric, markSymmetric, nodeOf, operandOf, sameTensor, traced } from './emit.ts';
import { type Traced, tracing } from './graph.ts';

/** See `where` of functions.ts. */
export function where(condition: Traced | number, left: Traced | number, right: Traced | number): Traced {
  const [c, a, b] = [traced(condition), traced(left), traced(right)];
  const both = broadcast(a.shape, b.shape);
  const shape =
    (both && broadcast(c.shape, both)) ?? fail(`where: shapes ${[c, a, b].map((x) => printShape(x.shape)).join(', ')} do not broadcast`);
  if (c.at.in === 'literal') return broadcastTo(c.at.value !== 0 ? a : b, shape);
  const lines = linesOf([c, a, b]);
  if (lines !== undefined) return host(tracing().host.apply('where', lines));
  const selected = rowSelect(c, a, b);
  if (selected !== undefined) return selected;
  const type = commonType([a, b]);
  const result = emit({ op: 'where' }, [c, a, b], shape, type);
  const commute = familyOf(a) === familyOf(b) ? familyOf(a) : undefined;
  return c.shape.length === 0 && isSymmetric(a) && isSymmetric(b) ? markSymmetric(result, commute) : result;
}

/**
 * (a − wa) + wb. A weight of the host is that of an average of finite values; for any other, infinities are looked after too: what is left out
 * does not count, and what agrees stays.
 */
export function lerp(a: Traced, right: Traced | number, weight: Traced | number): Traced {
  const [b, w] = [traced(right), traced(weight)];
  const taken = combine('mul', b, w);
  const mixed = combine('add', combine('sub', a, combine('mul', a, w)), taken);
  if (w.at.in === 'host') return mixed;
  const finite = combine('mul', map('isFinite', a), map('isFinite', b));
  const mean = where(finite, mixed, combine('add', combine('mul', a, combine('sub', 1, w)), taken));
  const stays = combine('max', combine('eq', w, 0), combine('eq', a, b));
  return where(combine('eq', w, 1), b, where(stays, a, mean));
}

/**
 * where(c, setRow(h, i, r), h) as setRow(h, i, where(c, r, row(h, i))), and so on for several rows: rejected rows never copy their
 * history.
 */
function rowSelect(c: Traced, a: Traced, b: Traced): Traced | undefined {
  if (c.shape.length > 0 || nodeOf(a)?.operation.op !== 'setRow') return undefined;
  const [history, index, value] = [operandOf(a, 0), operandOf(a, 1), operandOf(a, 2)];
  if (history === undefined || index === undefined || value === undefined) return undefined;
  const earlier = sameTensor(history, b) ? history : rowSelect(c, history, b);
  return earlier && setRow(earlier, index, where(c, value, row(b, index)));
}
