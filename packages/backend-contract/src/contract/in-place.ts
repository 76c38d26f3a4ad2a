import { reference } from '@opt/backend-reference';
import { iota, mod, perTensor, type Slot, type Tensor, where } from '@opt/core';
import { describe, it } from 'vitest';
import { expectClose, type Harness, input } from './harness.ts';
import { type Model, optimizerOn, snapshot, train, withOptimizer } from './models.ts';

const n = 5;
const model: Model = { p: input([n, n], 1) };
const square = (init: number | 'identity'): Slot => ({ shape: [n, n], kind: 'invariant', init });

/** What one step does to slots a, b, c, the history h and the wide sum w, given the gradient. Every case reads what it also writes. */
type Rewrite = (
  x: Readonly<Record<'a' | 'b' | 'c' | 'h' | 'w' | 'g' | 'p' | 't', Tensor>>,
) => Partial<Record<'a' | 'b' | 'c' | 'h' | 'w' | 'p', Tensor>>;

const rewrites: Readonly<Record<string, Rewrite>> = {
  'two slots swap': ({ a, b }) => ({ a: b, b: a }),
  'three slots rotate, one is scaled': ({ a, b, c }) => ({ a: b, b: c.mul(2), c: a }),
  'a parameter and a slot swap': ({ a, p }) => ({ a: p, p: a }),
  'm ← lerp(m, g)': ({ a, g }) => ({ a: a.lerp(g, 0.1) }),
  'A ← βA + (1−β)GGᵀ': ({ a, g }) => ({ a: g.matmul(g, { transposeB: true, alpha: 0.1, add: a, beta: 0.9 }) }),
  'A ← βA + (1−β)AAᵀ, its own factor': ({ a }) => ({ a: a.matmul(a, { transposeB: true, alpha: 0.1, add: a, beta: 0.5 }) }),
  'products of one another': ({ a, b }) => ({ a: a.matmul(b, { alpha: 0.2 }), b: b.matmul(a, { alpha: 0.2 }) }),
  'A ← Aᵀ': ({ a }) => ({ a: a.T }),
  'rows reversed': ({ a }) => ({
    a: a.gather(
      iota(n)
        .mul(-1)
        .add(n - 1)
        .int(),
      0,
    ),
  }),
  'columns sorted by their sums': ({ a, g }) => ({ a: a.gather(a.sum([0]).argsort(), 1).add(g) }),
  'rows shifted': ({ a }) => ({ a: a.slice([1], [n]).T.matmul(a.slice([0], [n - 1])) }),
  'A ← A / ΣA': ({ a }) => ({ a: a.div(a.abs().sum().add(1)) }),
  'A minus its row sums': ({ a }) => ({ a: a.sub(a.sum([1], { keep: true }).mul(0.1)) }),
  'a slot read after it is written': ({ a, b, g, p }) => ({ a: a.mul(0.5).add(g), b: b.add(a), p: p.sub(a.mul(0.1)) }),
  'the new value read, then the old': ({ a, g, p }) => {
    const a1 = a.lerp(g, 0.5);
    return { a: a1, b: a1.sub(a), p: p.sub(a1.mul(0.1)).add(a.sum().mul(0.01)) };
  },
  'setRow: a ring buffer': ({ h, g, t }) => ({ h: h.setRow(mod(t.sub(1), 3), g.row(0)) }),
  'setRow, the old history read too': ({ h, g, t, a }) => ({
    h: h.setRow(mod(t.sub(1), 3), g.row(0)),
    a: h.matmul(h, { transposeA: true, add: a, beta: 0.5 }),
  }),
  'setRow from another row of itself': ({ h, g }) => ({
    h: h
      .setRow(0, h.row(1))
      .setRow(1, h.row(2))
      .setRow(2, h.row(0).add(g.row(1))),
  }),
  'setRow that is rejected': ({ h, g, t }) => ({ h: where(mod(t, 2).eq(0), h.setRow(1, g.row(0)), h) }),
  'K row and column set': ({ a, g, t }) => {
    const i = mod(t.sub(1), n);
    return { a: a.setRow(i, g.row(0)).T.setRow(i, g.row(0)) };
  },
  'one value into two slots': ({ a, g }) => ({ b: a.add(g), c: a.add(g), a: g }),
  'the gradient kept': ({ g, b }) => ({ a: g, c: b, b: g }),
  'a wide sum': ({ w, g }) => ({ w: w.add(g.wide().mul(1e-9)) }),
  'eigenvectors of a slot into it': ({ a, g }) => ({
    a: g
      .matmul(g, { transposeB: true, add: a.matmul(a.T), beta: 0.1 })
      .eigh()
      .vectors.square(),
  }),
  'orthonormalised in place': ({ a, g }) => ({ a: a.mul(4).add(g).orthonormalize('complete') }),
};

const rule = (rewrite: Rewrite) =>
  perTensor({
    name: 'rewrite',
    state: () => ({
      a: square('identity'),
      b: square(2),
      c: square(-1),
      h: { shape: [3, n], kind: 'invariant' },
      w: { shape: [n, n], kind: 'invariant', dtype: 'wide', init: 1 },
    }),
    apply({ update: g, parameter: p, state, count: t }) {
      const { p: moved, ...changed } = rewrite({ ...state, g, p, t });
      return { state: changed, parameter: moved ?? p.sub(g.mul(0.01)) };
    },
  });

/** Outputs that take over an input's buffer must look as if every read of the old value came first. */
export function testInPlace(harness: Harness): void {
  describe('state is rewritten in place', () => {
    it.each(Object.entries(rewrites))('%s', async (name, rewrite) => {
      const run = async (backend: typeof harness.backend) =>
        withOptimizer(optimizerOn(backend, rule(rewrite), model), async (optimizer) => {
          await train(optimizer, model, 0, 5);
          return snapshot(optimizer);
        });
      const [actual, truth] = [await run(harness.backend), await run(reference())];
      for (const [key, expected] of Object.entries(truth)) {
        expectClose(harness, `${name}: ${key}`, actual[key] ?? [], expected, 20 * harness.tolerance('contraction'), { by: 'largest' });
      }
    });

    it('wide state keeps what working precision would lose', async () => {
      if (harness.backend.wide !== 'f64') return;
      const sum = rule(({ w, g }) => ({ w: w.add(g.mul(0).add(1e-12).wide()) }));
      const state = await withOptimizer(optimizerOn(harness.backend, sum, model), async (optimizer) => {
        await train(optimizer, model, 0, 100);
        return snapshot(optimizer);
      });
      expectClose(harness, 'w − 1', state['rewrite.w:p']?.map((x) => (x - 1) * 1e10) ?? [], new Float64Array(n * n).fill(1), 1e-4);
    });
  });
}
