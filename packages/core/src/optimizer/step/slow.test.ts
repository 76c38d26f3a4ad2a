import { expect, it } from 'vitest';
import { trace } from '../../trace/trace.ts';
import { secondsOf } from './slow.ts';

it('goes by operations, which are compiled, and by FLOPs', () => {
  const program = trace({ a: [100, 50], b: [50, 200] }, ({ a, b }) => ({ c: a.matmul(b).add(1) }));
  // 2·100·50·200 of the product and 100·200 of the sum.
  expect(secondsOf(program)).toBeCloseTo(program.nodes.length * 1e-4 + (2e6 + 2e4) / 2e10, 12);
});
