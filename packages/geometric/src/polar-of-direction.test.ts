import { chain, rule, type Shape, type Transform } from '@opt/core';
import { descend } from '@opt/transforms';
import { describe, expect, it } from 'vitest';
import { type PolarDirectionOptions, polar } from './index.ts';
import { distance, random, rotation, singularValues, walk } from './testing/kit.ts';

/** What becomes of one gradient. */
function direction(options: PolarDirectionOptions, shape: Shape, gradient: ArrayLike<number>): Float64Array {
  const whole: Transform = rule(chain(polar(options)), descend({ learningRate: 1 }));
  return (walk(whole, shape, new Float64Array(gradient.length), [gradient])[1] ?? new Float64Array(0)).map((x) => -x);
}

describe('the polar factor of a direction', () => {
  it.each([[[6, 6]], [[7, 4]], [[3, 8]]] as const)('has singular values of 1, %j', (shape) => {
    for (const normalize of ['schatten4', 'frobenius'] as const) {
      const values = singularValues(direction({ scale: 'none', normalize, nsSteps: 30 }, shape, random(5, shape)), shape);
      for (const s of values.slice(-Math.min(...shape))) expect(s).toBeCloseTo(1, 7);
    }
  });

  it('starts from D/max(S, ε), S = ‖DDᵀ‖^½: one step of a diagonal matrix by hand', () => {
    const D = [3, 0, 0, 1];
    const S = (3 ** 4 + 1) ** 0.25;
    const once = (x: number): number => 2 * x - 1.5 * x ** 3 + 0.5 * x ** 5;
    expect(distance(direction({ nsSteps: 1 }, [2, 2], D), [once(3 / S), 0, 0, once(1 / S)])).toBeLessThan(1e-15);
    const short = D.map((x) => 1e-9 * x);
    expect(distance(direction({ nsSteps: 1, epsilon: 1e-7 }, [2, 2], short), [once(0.03), 0, 0, once(0.01)])).toBeLessThan(1e-15);
    const F = Math.sqrt(10) + 0.5;
    expect(
      distance(direction({ nsSteps: 1, normalize: 'frobenius', epsilon: 0.5 }, [2, 2], D), [once(3 / F), 0, 0, once(1 / F)]),
    ).toBeLessThan(1e-15);
  });

  it('sees a kernel as [first axis, rest] and a vector as a column, whose factor is its direction', () => {
    const v = [3, -4];
    expect(distance(direction({ scale: 'none', nsSteps: 20 }, [2], v), [0.6, -0.8])).toBeLessThan(1e-12);
    expect(distance(direction({ nsSteps: 20 }, [2], v), [0.6 * Math.SQRT2, -0.8 * Math.SQRT2])).toBeLessThan(1e-12);
    const kernel = random(6, [3, 2, 2]);
    expect(distance(direction({}, [3, 2, 2], kernel), direction({}, [3, 4], kernel))).toBe(0);
    expect(Array.from(direction({}, [], [7]))).toEqual([expect.closeTo(1, 9)]);
  });

  it('turns with the direction', () => {
    const [shape, Q] = [[4, 4], rotation(7, 4)] as const;
    expect(distance(direction({ scale: 'none' }, shape, Q), Q)).toBeLessThan(1e-7);
  });

  it('of 0 is 0', () => {
    expect(Array.from(direction({}, [2, 3], new Float64Array(6)))).toEqual([0, 0, 0, 0, 0, 0].map((x) => -x));
  });
});
