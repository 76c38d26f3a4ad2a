import { OptionRangeError, type Rule, rule, trace } from '@opt/core';
import { normalizeEma } from '@opt/normalize-ema';
import { soap } from '@opt/soap';
import { adamw, descend, ema, lion, normalize, normalizeRms, rmsprop, sgd } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../run-program.ts';
import { expectClose, type Harness, input, values } from './harness.ts';
import { optimizerOn, withOptimizer } from './models.ts';

interface Case {
  readonly make: () => Rule;
  readonly start: readonly number[];
  readonly gradients: readonly (readonly number[])[];
  /** Parameters in the end, by hand. */
  readonly end: readonly number[];
}

/** Nothing on the first step, the direction itself afterwards. */
const second = (step: number): number => (step === 0 ? 0 : 1);
const long = [3.3e38, -1.65e38] as const;
const clippedTo = (length: number): number[] => [1 - (0.1 * length * 2) / Math.sqrt(5), 1 + (0.1 * length) / Math.sqrt(5)];

/** Gradients at the ends of what f32 holds, and weights of averages at the ends of their range. */
const cases: Readonly<Record<string, Case>> = {
  // The second step: m = .19·(9/19 of g), v = .001999·(999/1999 of g²), so u = (9/19)/√(999/1999).
  'AdamW, a gradient whose square overflows': {
    make: () => adamw({ learningRate: 0.1, weightDecay: 0 }),
    start: [0],
    gradients: [[1.85e19], [1]],
    end: [-0.1 - (0.1 * 9) / 19 / Math.sqrt(999 / 1999)],
  },
  'AdamW, clipped as a whole where the norm overflows': {
    make: () => adamw({ globalClipnorm: 1, learningRate: 1, weightDecay: 0 }),
    start: Array(100).fill(0),
    gradients: [Array(100).fill(1e38)],
    end: Array(100).fill(-1),
  },
  'SGD, clipped as a whole': {
    make: () => sgd({ globalClipnorm: 1, learningRate: 0.1 }),
    start: [1, 1],
    gradients: [long],
    end: clippedTo(1),
  },
  'SGD, clipped to a tenth': {
    make: () => sgd({ globalClipnorm: 0.1, learningRate: 0.1 }),
    start: [1, 1],
    gradients: [long],
    end: clippedTo(0.1),
  },
  'SGD, clipped': { make: () => sgd({ clipnorm: 1, learningRate: 0.1 }), start: [1, 1], gradients: [long], end: clippedTo(1) },
  'unit length, where the norm overflows': {
    make: () => rule(normalize(), descend({ learningRate: 0.1 })),
    start: [1, 1],
    gradients: [long],
    end: clippedTo(1),
  },
  // u = g/(√mean g² + 10⁻³⁰), with √mean g² = 10⁻²⁵·√(5/8).
  'unit root mean square, where squares vanish': {
    make: () => rule(normalizeRms(), descend({ learningRate: 1 })),
    start: [1, 1],
    gradients: [[1e-25, -5e-26]],
    end: [1 - 1 / (Math.sqrt(5 / 8) + 1e-5), 1 + 0.5 / (Math.sqrt(5 / 8) + 1e-5)],
  },
  'RMSprop with no weight of the past': {
    make: () => rule(rmsprop({ beta: 0 }), descend({ learningRate: 1 })),
    start: [0],
    gradients: [[1e4], [1e-4]],
    end: [-1 / (1 + 1e-12) - 1 / (1 + 1e-4)],
  },
  'Lion with no weight of the past': {
    make: () => rule(lion({ beta1: 0, beta2: 0.5 }), descend({ learningRate: 1 })),
    start: [0],
    gradients: [[2000], [1e-5]],
    end: [-2],
  },
  'an average with no weight of the past': {
    make: () => rule(ema({ beta: 0 }), descend({ learningRate: second })),
    start: [0],
    gradients: [[1e6], [0.01]],
    end: [-0.01],
  },
  'the norm of an average with no weight of the past': {
    make: () => normalizeEma({ base: sgd({ learningRate: second }), emaBeta: 0, maxEmaGrowth: null }),
    start: [0, 0],
    gradients: [
      [1e6, 0],
      [0.003, 0.004],
    ],
    end: [-0.003, -0.004],
  },
  // Nothing of the past fades: the mean of all gradients over the root of the mean of their squares.
  'AdamW with weights next to 1': {
    make: () => adamw({ learningRate: second, beta1: 1 - 2 ** -53, beta2: 1 - 2 ** -53, weightDecay: 0 }),
    start: [0],
    gradients: [[3], [-1]],
    end: [-1 / Math.sqrt(5)],
  },
};

/** Steps whose right values are known, with numbers at the ends of their ranges. */
export function testByHand(harness: Harness): void {
  describe('by hand', () => {
    it.each(Object.entries(cases))('%s', async (_, { make, start, gradients, end }) => {
      const model = { w: { shape: [start.length], data: start } };
      await withOptimizer(optimizerOn(harness.backend, make(), model), async (optimizer) => {
        for (const w of gradients) await optimizer.step({ w });
        expectClose(harness, 'w', (await optimizer.parameters['w']) ?? [], end, 2e-6);
        expect(await optimizer.skippedSteps).toBe(0);
      });
    });

    it("SOAP's direction of unit size, where squares of gradients vanish", async () => {
      // √v is nothing beside ε, so the direction is that of m in any basis: p ← p − η/√(1−βᵗ)·m/rms(m) from the second call on.
      const model = { w: input([4, 3], 1) };
      const expected = [...model.w.data];
      const m = expected.map(() => 0);
      const transform = soap({ normalizeGradient: true, learningRate: 3e-3, weightDecay: 0 });
      await withOptimizer(optimizerOn(harness.backend, transform, model), async (optimizer) => {
        for (let call = 0; call < 15; call++) {
          const w = values(12, 50 + call).map((x) => 1e-30 * x);
          await optimizer.step({ w });
          if (call === 0) continue;
          w.forEach((g, i) => {
            m[i] = 0.95 * (m[i] ?? 0) + 0.05 * g;
          });
          const rms = Math.sqrt(m.reduce((sum, x) => sum + (1e30 * x) ** 2, 0) / 12) * 1e-30;
          m.forEach((x, i) => {
            expected[i] = (expected[i] ?? 0) - (3e-3 / Math.sqrt(1 - 0.95 ** call)) * (x / rms);
          });
        }
        expectClose(harness, 'w', (await optimizer.parameters['w']) ?? [], expected, 1e-5, { by: 'largest' });
      });
    });

    it('a mean: the old value for weight 0, the new one for weight 1, what both agree on for any', async () => {
      const most = harness.backend.precision === 'f32' ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
      const rows: readonly (readonly [old: number, next: number, weight: number, mean: number])[] = [
        [1e4, 1e-4, 1, 1e-4],
        [1e4, 1e-4, 0, 1e4],
        [3, 3, 0.3, 3],
        [most, -most, 0.5, 0],
        [most, most, 0.3, most],
        [most, -most, 1, -most],
        [Infinity, Infinity, 0.25, Infinity],
        [-Infinity, -Infinity, 1, -Infinity],
        [Infinity, Infinity, 0, Infinity],
        [Infinity, 2, 1, 2],
        [2, -Infinity, 0, 2],
        [Infinity, 2, 0.5, Infinity],
        [2, -Infinity, 0.5, -Infinity],
      ];
      const column = (i: number): { shape: number[]; data: number[] } => ({ shape: [rows.length], data: rows.map((row) => row[i] ?? 0) });
      const inputs = { old: column(0), next: column(1), weight: column(2) };
      const shape = [rows.length];
      const program = trace({ old: shape, next: shape, weight: shape }, ({ old, next, weight }) => ({ mean: old.lerp(next, weight) }));
      const { mean = [] } = await runProgram(harness.backend, program, inputs);
      expectClose(harness, 'mean', mean, column(3).data, 1e-6);
      for (const [i, [old, next, weight]] of rows.entries()) {
        const constant = trace({ old: [1], next: [1] }, (x) => ({ mean: x.old.lerp(x.next, weight) }));
        const one = await runProgram(harness.backend, constant, { old: { data: [old] }, next: { data: [next] } });
        expectClose(harness, `weight ${weight}`, one['mean'] ?? [], [rows[i]?.[3] ?? 0], 1e-6);
      }
    });

    it('options that working precision does not hold are refused, at once and when a schedule gets there', async () => {
      const model = { w: input([2], 1) };
      const [tiny, huge] = harness.backend.precision === 'f32' ? [1e-39, 1e308] : [5e-324, Infinity];
      const refuses = (make: () => Rule): Promise<void> =>
        expect((async () => withOptimizer(optimizerOn(harness.backend, make(), model), async () => undefined))()).rejects.toThrow(
          OptionRangeError,
        );
      for (const value of [tiny, huge]) {
        for (const option of ['clipnorm', 'globalClipnorm', 'clipvalue', 'lossScaleFactor']) await refuses(() => sgd({ [option]: value }));
        await refuses(() => adamw({ epsilon: value }));
      }
      await withOptimizer(
        optimizerOn(harness.backend, adamw({ epsilon: (step) => (step < 2 ? 1e-8 : tiny) }), model),
        async (optimizer) => {
          for (let step = 0; step < 2; step++) await optimizer.step({ w: [1, 2] });
          await expect((async () => optimizer.step({ w: [1, 2] }))()).rejects.toThrow(OptionRangeError);
        },
      );
      await withOptimizer(optimizerOn(harness.backend, adamw(), model), async (optimizer) => {
        expect(() => optimizer.set('epsilon', tiny)).toThrow(OptionRangeError);
      });
    });
  });
}
