import { reference } from '@opt/backend-reference';
import { ObjectiveError, OptionRangeError, OptionTypeError } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { type MinimizeResult, minimize } from './index.ts';

/** 100(x₁ − x₀²)² + (1 − x₀)². */
const rosenbrock = (x: ArrayLike<number>): number => {
  const [p = 0, q = 0] = [x[0], x[1]];
  return 100 * (q - p * p) ** 2 + (1 - p) ** 2;
};
const slopes = (x: ArrayLike<number>): number[] => {
  const [p = 0, q = 0] = [x[0], x[1]];
  return [-400 * p * (q - p * p) - 2 * (1 - p), 200 * (q - p * p)];
};
const start = [-1.2, 1] as const;

const atMinimum = ({ x, fun }: MinimizeResult, digits: number): void => {
  expect(x[0]).toBeCloseTo(1, digits);
  expect(x[1]).toBeCloseTo(1, digits);
  expect(fun).toBe(rosenbrock(x));
};

describe('minimize', () => {
  it('by a gradient, given apart or beside f: the same run', () => {
    let calls = 0;
    const apart = minimize(
      (x) => {
        calls++;
        return rosenbrock(x);
      },
      start,
      { jac: slopes, gtol: 1e-8, ftol: 0 },
    );
    atMinimum(apart, 6);
    expect(apart).toMatchObject({ success: true, status: 'gtol', evaluations: calls, gradientEvaluations: calls });
    expect(apart.jac.every((one) => Math.abs(one) <= 1e-8)).toBe(true);
    expect([...apart.jac]).toEqual(slopes(apart.x));
    const beside = minimize((x): [number, number[]] => [rosenbrock(x), slopes(x)], Float64Array.from(start), {
      jac: true,
      gtol: 1e-8,
      ftol: 0,
    });
    expect(beside).toEqual(apart);
  });

  it('by differences: n + 1 or 2n + 1 evaluations each', () => {
    for (const [jac, each, digits] of [
      [undefined, 3, 3],
      ['3-point', 5, 5],
    ] as const) {
      const found = minimize(rosenbrock, start, jac === undefined ? {} : { jac });
      atMinimum(found, digits);
      expect(found.success).toBe(true);
      expect(found.evaluations).toBe(each * found.gradientEvaluations);
    }
  });

  it('in f32 on a backend of the user, which stays', () => {
    const backend = reference({ precision: 'f32' });
    const found = minimize(rosenbrock, start, { jac: slopes, gtol: 1e-3, backend });
    atMinimum(found, 2);
    expect([...found.x]).toEqual([...Float32Array.from(found.x)]);
    expect(minimize(rosenbrock, start, { jac: slopes, gtol: 1e-3, backend })).toEqual(found);
    expect(backend.buffers).toBe(0);
    backend.dispose();
  });

  it('a function that gives promises, and one that gives a promise of both', async () => {
    const pending = minimize(async (x) => rosenbrock(x), start, { jac: '3-point' });
    expect(pending).toBeInstanceOf(Promise);
    atMinimum(await pending, 5);
    const both = minimize(async (x): Promise<[number, number[]]> => [rosenbrock(x), slopes(x)], start, { jac: true });
    expect(await both).toEqual(minimize(rosenbrock, start, { jac: slopes }));
    await expect(minimize(() => Promise.reject(new Error('no network')), start)).rejects.toThrow('no network');
  });

  it('the callback sees every iteration, and ends it', () => {
    const seen: MinimizeResult[] = [];
    const whole = minimize(rosenbrock, start, { jac: slopes, callback: (found) => seen.push(found) });
    expect(seen.length).toBe(whole.iterations);
    expect(seen.map(({ iterations }) => iterations)).toEqual(seen.map((_, i) => i + 1));
    for (const [i, { fun }] of seen.entries()) expect(fun).toBeLessThan(seen[i - 1]?.fun ?? rosenbrock(start));
    const ended = minimize(rosenbrock, start, { jac: slopes, callback: ({ iterations }) => iterations === 4 });
    expect(ended).toMatchObject({ success: false, status: 'callback', iterations: 4, fun: seen[3]?.fun });
    expect(() => minimize(rosenbrock, start, { callback: async () => true })).toThrow('callback must give true or nothing at once');
  });

  it('limits are kept: iterations, evaluations also within a search, a signal', () => {
    expect(minimize(rosenbrock, start, { jac: slopes, maxIterations: 3 })).toMatchObject({
      status: 'maxIterations',
      iterations: 3,
      success: false,
    });
    for (const maxEvaluations of [1, 2, 7, 20]) {
      let calls = 0;
      const f = (x: Float64Array): number => {
        calls++;
        return rosenbrock(x);
      };
      expect(minimize(f, start, { maxEvaluations })).toMatchObject({
        status: 'maxEvaluations',
        evaluations: maxEvaluations,
        success: false,
      });
      expect(calls).toBe(maxEvaluations);
    }
    const controller = { aborted: false };
    const stopped = minimize(rosenbrock, start, {
      jac: slopes,
      signal: controller,
      callback: ({ iterations }) => {
        controller.aborted = iterations === 2;
      },
    });
    expect(stopped).toMatchObject({ status: 'aborted', iterations: 2, success: false });
  });

  it('ends where f hardly falls', () => {
    // Σ x⁴: gradients vanish faster than f.
    const found = minimize((x) => (x[0] ?? 0) ** 4 + 1, [3], { jac: (x) => [4 * (x[0] ?? 0) ** 3], gtol: 0, ftol: 1e-3 });
    expect(found).toMatchObject({ success: true, status: 'ftol' });
    expect(found.message).toContain('ftol');
  });
});

describe('what is not finite or not right', () => {
  it('a wall of NaN or infinity is where a search turns back', () => {
    for (const beyond of [Number.NaN, Infinity, -Infinity]) {
      // x − ln(x) for x > 0, from where the first step jumps over the wall.
      const found = minimize((x) => ((x[0] ?? 0) > 0 ? (x[0] ?? 0) - Math.log(x[0] ?? 0) : beyond), [1e-3]);
      expect(found.success, String(beyond)).toBe(true);
      expect(found.x[0]).toBeCloseTo(1, 4);
    }
  });

  it('a gradient that is not finite is no place to be either', () => {
    const jac = (x: Float64Array): number[] => [(x[0] ?? 0) > 2 ? Number.NaN : 2 * ((x[0] ?? 0) - 1)];
    const found = minimize((x) => ((x[0] ?? 0) - 1) ** 2, [-300], { jac });
    expect(found).toMatchObject({ success: true });
    expect(found.x[0]).toBeCloseTo(1, 5);
  });

  it('nothing to begin with: said, not thrown', () => {
    expect(minimize(() => Number.NaN, [1, 2])).toMatchObject({ success: false, status: 'nonFinite', evaluations: 1, iterations: 0 });
    expect(minimize(() => 1, [1], { jac: () => [Number.NaN] })).toMatchObject({ success: false, status: 'nonFinite' });
  });

  it('a gradient of the wrong sign: no success, and f is not higher than it was', () => {
    const found = minimize(rosenbrock, start, { jac: (x) => slopes(x).map((one) => -one) });
    expect(found).toMatchObject({ success: false, status: 'lineSearch', iterations: 0, fun: rosenbrock(start) });
    expect(found.message).toContain('its gradient is wrong');
  });

  it('what f throws comes out, and f may do with x what it likes', () => {
    expect(() =>
      minimize(() => {
        throw new RangeError('mine');
      }, start),
    ).toThrow(new RangeError('mine'));
    const x0 = Float64Array.from(start);
    const found = minimize(
      (x) => {
        const value = rosenbrock(x);
        x.fill(7);
        return value;
      },
      x0,
      {
        jac: (x) => {
          const g = slopes(x);
          x.fill(7);
          return g;
        },
      },
    );
    atMinimum(found, 3);
    expect([...x0]).toEqual(start);
  });

  it.each<readonly [unknown, unknown, object | null, new (...given: never[]) => Error, string]>([
    [3, start, {}, OptionTypeError, 'minimize: f must be a function of x that gives a number, received 3'],
    [rosenbrock, [], {}, OptionTypeError, 'minimize: x0 must be an array of at least one number, received an array'],
    [rosenbrock, 3, {}, OptionTypeError, 'minimize: x0 must be an array of at least one number, received 3'],
    [rosenbrock, [1, Number.NaN], {}, OptionTypeError, 'minimize: x0 must be finite, received NaN at [1]'],
    [rosenbrock, ['1', 2], {}, OptionTypeError, 'minimize: x0 must be an array of at least one number'],
    [rosenbrock, start, { bounds: [[0, 1]] }, OptionTypeError, 'minimize: bounds are not supported: this is unconstrained L-BFGS'],
    [rosenbrock, start, { constraints: [] }, OptionTypeError, 'minimize: constraints are not supported'],
    [rosenbrock, start, { method: 'nelder-mead' }, OptionTypeError, "minimize: method must be 'lbfgs', received 'nelder-mead'"],
    [rosenbrock, start, { maxiter: 5 }, OptionTypeError, "minimize: unknown option 'maxiter', known are "],
    [rosenbrock, start, { gtol: -1 }, OptionRangeError, 'minimize: gtol must be a finite number >= 0, received -1'],
    [rosenbrock, start, { maxEvaluations: 0 }, OptionRangeError, 'minimize: maxEvaluations must be an integer >= 1, received 0'],
    [rosenbrock, start, { jac: 'cs' }, OptionTypeError, "minimize: jac must be a function, true, '2-point' or '3-point', received 'cs'"],
    [rosenbrock, start, { callback: 3 }, OptionTypeError, 'minimize: callback must be a function, received 3'],
    [rosenbrock, start, { signal: {} }, OptionTypeError, 'minimize: signal must be an AbortSignal, received an object'],
    [
      rosenbrock,
      start,
      { backend: 'cpu' },
      OptionTypeError,
      "minimize: backend must be a backend such as reference() or wasm(), received 'cpu'",
    ],
    [rosenbrock, start, null, OptionTypeError, 'minimize: options must be an object, received null'],
    [() => '1', start, {}, ObjectiveError, "minimize: f must give a number, received '1'"],
    [
      rosenbrock,
      start,
      { jac: () => [1] },
      ObjectiveError,
      'minimize: the gradient from jac must be an array of 2 numbers, received 1 numbers',
    ],
    [rosenbrock, start, { jac: true }, ObjectiveError, 'minimize: with jac: true, f must give [number, gradient], received 24.199'],
  ])('%o from %o with %o', (f, x0, options, error, message) => {
    const call = (): unknown => Reflect.apply(minimize, undefined, [f, x0, options]);
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });

  it('a signal of the platform is one', () => {
    expect(minimize(rosenbrock, start, { signal: AbortSignal.abort() })).toMatchObject({ status: 'aborted', evaluations: 0 });
  });

  it('the types know whether the result has to be awaited', () => {
    const now: MinimizeResult = minimize(rosenbrock, start, { maxIterations: 1 });
    const later: Promise<MinimizeResult> = minimize(async (x) => rosenbrock(x), start, { maxIterations: 1 });
    expect([now.iterations, later instanceof Promise]).toEqual([1, true]);
    // @ts-expect-error wrong option names do not compile
    expect(() => minimize(rosenbrock, start, { maxiter: 1 })).toThrow();
    return later;
  });
});
