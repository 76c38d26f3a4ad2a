import { describe, expect, it } from 'vitest';
import type { Subject } from '../subjects.ts';
import { type Harness, values } from './harness.ts';
import { type AnyOptimizer, type Model, optimizerOn, smallModel, withOptimizer } from './models.ts';

/** A gradient for parameter number `which` of a step. */
type Gradients = (step: number, which: number, size: number) => number[];

/** Noise of one size. */
const noise =
  (size: number): Gradients =>
  (step, which, n) =>
    values(n, 1000 * (step + 1) + which).map((x) => 0.25 * size * x);

const constant =
  (x: number): Gradients =>
  (_, __, n) =>
    Array(n).fill(x);

/** Among ordinary gradients one of another size, early and once more where every basis has been refreshed. */
const once =
  (size: number): Gradients =>
  (step, which, n) =>
    noise(step === 3 || step === 17 ? size : 1)(step, which, n);

/** One pattern after the other, some steps each. */
const then =
  (...parts: readonly (readonly [steps: number, gradients: Gradients])[]): Gradients =>
  (step, which, n) => {
    let left = step;
    for (const [steps, gradients] of parts) {
      if (left < steps) return gradients(step, which, n);
      left -= steps;
    }
    return noise(1)(step, which, n);
  };

/** Gradients that a precision holds and whose squares, sums or quotients it does not. */
function extremes(precision: 'f32' | 'f64'): Readonly<Record<string, Gradients>> {
  const f32 = precision === 'f32';
  const largest = f32 ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  const root = f32 ? 1.85e19 : 1.4e154;
  const least = f32 ? 1e-45 : 5e-324;
  const digits = Math.log10(largest);
  const leasts: Gradients = (step, which, n) => noise(8)(step, which, n).map((x) => Math.round(x) * least);
  return {
    'from nothing up': then(
      [3, constant(0)],
      [6, leasts],
      [6, noise(f32 ? 1e-39 : 1e-310)],
      [6, noise(f32 ? 1e-30 : 1e-250)],
      [6, noise(f32 ? 1e-25 : 1e-170)],
      [12, (step, which, n) => noise(10 ** (-digits + (step - 27) * (digits / 6)))(step, which, n)],
    ),
    'a large one among ordinary ones, then the largest': then([16, once(f32 ? 1e20 : 1e160)], [14, once(largest)], [8, noise(4 * root)]),
    'the largest, always the same, then alternating': then(
      [20, constant(-largest)],
      [8, (step, _, n) => Array.from({ length: n }, (__, i) => ((step + i) % 2 === 0 ? largest : -largest))],
      [6, noise(largest / 4)],
    ),
    'every size at once, then down': then(
      [
        12,
        (step, which, n) =>
          values(n, 77 * (step + 1) + which).map((x, i) => x * ([1e-30, 1, 1e10, 1e19, largest / 3, 1e-38][(i + step) % 6] ?? 1)),
      ],
      [12, (step, which, n) => noise([largest, 1, least * 1e3][(which + step) % 3] ?? 1)(step, which, n)],
      [14, (step, which, n) => noise(largest * 10 ** (-digits * ((step - 24) / 6)))(step, which, n)],
    ),
  };
}

/** Finite in, finite out: whatever finite gradients come, parameters and state stay finite, and no call is dropped. */
export function testFinite(harness: Harness, all: readonly Subject[]): void {
  const cases = harness.share(all).map((subject): [string, Subject] => [subject.label, subject]);

  describe('finite gradients of any size', () => {
    it.each(cases)('%s', async (_, subject) => {
      for (const [name, gradients] of Object.entries(extremes(harness.backend.precision))) {
        await withOptimizer(optimizerOn(harness.backend, subject.make(), smallModel), async (optimizer) => {
          for (let step = 0; step < 40; step++) {
            await optimizer.step(gradientsOf(smallModel, gradients, step));
            const found = await notFinite(optimizer);
            if (found !== undefined) expect.fail(`${name}: ${found} after step ${step}`);
          }
          if (subject.record.mayDrop === undefined) expect(await optimizer.skippedSteps, `${name}: calls dropped`).toBe(0);
        });
      }
    });
  });
}

const gradientsOf = (model: Model, gradients: Gradients, step: number): Record<string, number[]> =>
  Object.fromEntries(Object.entries(model).map(([name, { data }], i) => [name, gradients(step, i, data.length)]));

/** A parameter or a slot that holds something not finite, and what. */
async function notFinite(optimizer: AnyOptimizer): Promise<string | undefined> {
  for (const held of [optimizer.parameters, optimizer.state])
    for (const key of Object.keys(held)) {
      const bad = Array.from((await held[key]) ?? []).find((x) => !Number.isFinite(x));
      if (bad !== undefined) return `${key} holds ${bad}`;
    }
  return undefined;
}
