import { describe, expect, it } from 'vitest';
import { activeAxes } from './inverse-root.ts';
import { type ShampooOptions, shampoo } from './shampoo.ts';
import { make, moves, numbers, product, rotation, transposed, values } from './testing/runs.ts';

const expectClose = (received: readonly number[] | undefined, expected: readonly number[], digits = 12): void => {
  expect(received?.length).toBe(expected.length);
  for (const [i, x] of expected.entries()) expect(received?.[i]).toBeCloseTo(x, digits);
};
const plain: ShampooOptions = { learningRate: 1, beta1: 0, epsilon: 0.5 };

describe('roots', () => {
  // Diagonal gradients keep both factors diagonal: A = Σ diag(g)², the same on both sides.
  const diagonal = (a: number, b: number): number[] => [a, 0, 0, b];
  const given = [diagonal(1, 2), diagonal(3, -1), diagonal(-0.5, 4)];
  const sums = given.map((_, t) => [0, 3].map((i) => given.slice(0, t + 1).reduce((sum, g) => sum + (g[i] ?? 0) ** 2, 0)));

  it('of the sum of squares, the current one included, with ε: a matrix takes the fourth root on both sides', () => {
    const received = moves(shampoo(plain), [2, 2], given);
    given.forEach((g, t) => {
      const [a = 0, b = 0] = sums[t] ?? [];
      expectClose(received[t], [-(g[0] ?? 0) / Math.sqrt(a + 0.5), 0, 0, -(g[3] ?? 0) / Math.sqrt(b + 0.5)]);
    });
  });

  it('of an average without its bias', () => {
    const received = moves(shampoo({ ...plain, beta2: 0.9 }), [2, 2], given.slice(0, 2));
    const [a, b] = [(0.9 * 0.1 * 1 + 0.1 * 9) / (1 - 0.81), (0.9 * 0.1 * 4 + 0.1 * 1) / (1 - 0.81)];
    expectClose(received[1], [-3 / Math.sqrt(a + 0.5), 0, 0, 1 / Math.sqrt(b + 0.5)]);
    const [first] = moves(shampoo({ ...plain, beta2: 0.9, correctBias: false }), [2, 2], given);
    expectClose(first, [-1 / Math.sqrt(0.1 + 0.5), 0, 0, -2 / Math.sqrt(0.4 + 0.5)]);
  });

  it.each([
    [{ sides: 'left' }, 1],
    [{ sides: 'right' }, 1],
    [{ sides: 'shorter' }, 1],
    [{ exponent: 0.5 }, 2],
    [{ exponent: 1, sides: 'left' }, 2],
    // A side that is too long changes no exponent.
    [{ maxPreconditionDim: 1 }, 0],
  ] as const)('%j: g/(λ + ε)^(power/2)', (options, power) => {
    const [first] = moves(shampoo({ ...plain, ...options }), [2, 2], given);
    expectClose(first, [-1 / 1.5 ** (power / 2), 0, 0, -2 / 4.5 ** (power / 2)]);
  });

  it('of a vector is that of the full matrix: g/√(‖g‖² + ε) at first, g itself where vectors have no factor', () => {
    expectClose(moves(shampoo(plain), [2], [[3, 4]])[0], [-3 / Math.sqrt(25.5), -4 / Math.sqrt(25.5)]);
    expectClose(moves(shampoo({ ...plain, precondition1d: false }), [2], [[3, 4]])[0], [-3, -4]);
    expectClose(moves(shampoo(plain), [], [[3]])[0], [-3]);
  });

  it('are taken at steps s and multiples of f after it; before, the momentum alone', () => {
    const received = moves(
      shampoo({ ...plain, preconditionFrequency: 2, startStep: 3 }),
      [2, 2],
      [...given, given[0] ?? [], given[0] ?? []],
    );
    expectClose(received[0], [-1, 0, 0, -2]);
    expectClose(received[1], [-3, 0, 0, 1]);
    const root = (i: number, t: number): number => Math.sqrt((sums[t]?.[i] ?? 0) + 0.5);
    expectClose(received[2], [0.5 / root(0, 2), 0, 0, -4 / root(1, 2)]);
    const fourth = [1, 4].map((square, i) => Math.sqrt((sums[2]?.[i] ?? 0) + square + 0.5));
    expectClose(received[3], [-1 / (fourth[0] ?? 1), 0, 0, -2 / (fourth[1] ?? 1)]);
    expectClose(received[4], received[3] ?? []);
  });

  it('turn with the gradients: U·W·Vᵀ and U·G·Vᵀ give U·W′·Vᵀ', () => {
    const [U, V] = [rotation(0.4), rotation(-1.1)];
    const turned = (g: readonly number[]): number[] => product(product(U, g, 2), transposed(V, 2), 2);
    const gradients = [1, 2, 3, 4].map((seed) => numbers(seed, 4));
    const options: ShampooOptions = { beta2: 0.9, epsilon: 0.01, grafting: { kind: 'sgd' } };
    const [one, other] = [moves(shampoo(options), [2, 2], gradients), moves(shampoo(options), [2, 2], gradients.map(turned))];
    for (const [t, moved] of one.entries()) expectClose(other[t], turned(moved));
  });
});

describe('grafting', () => {
  const g = [3, -1, 2, 0.5];
  const length = (x: readonly number[] | undefined): number => Math.hypot(...(x ?? []));

  it.each([
    [{ kind: 'sgd' }, Math.hypot(...g)],
    [{ kind: 'adam', epsilon: 1e-300 }, 2],
    [{ kind: 'adagrad', epsilon: 1 }, Math.hypot(...g.map((x) => x / (Math.abs(x) + 1)))],
  ] as const)('%j gives its length, and leaves the direction', (grafting, expected) => {
    const [grafted] = moves(shampoo({ ...plain, grafting }), [2, 2], [g]);
    const [own] = moves(shampoo(plain), [2, 2], [g]);
    expect(length(grafted)).toBeCloseTo(expected, 12);
    expectClose(
      grafted?.map((x) => x / length(grafted)),
      (own ?? []).map((x) => x / length(own)),
    );
  });

  it('takes the steps before s', () => {
    const received = moves(
      shampoo({ ...plain, beta2: 0.9, startStep: 2, grafting: { kind: 'adam', beta2: 0.5, epsilon: 0.1 } }),
      [4],
      [g, g],
    );
    expectClose(
      received[0],
      g.map((x) => -x / (Math.abs(x) + 0.1)),
    );
  });

  it('its options are live where it has them, and refused where not', () => {
    const optimizer = make(shampoo({ grafting: { kind: 'adam' } }), { w: [2] });
    optimizer.set('grafting.epsilon', 1);
    optimizer.step({ w: [1, 1] });
    expect(() => make(shampoo({ grafting: { kind: 'adagrad' } }), { w: [2] }).set('grafting.beta2', 0.5)).toThrow('grafting.beta2');
    const wild = (grafting: object): object => ({ grafting });
    expect(() => shampoo(wild({ kind: 'sgd', beta2: 0.5 }))).toThrow("shampoo: unknown option 'grafting.beta2', known are ");
    expect(() => shampoo(wild({ kind: 'rms' }))).toThrow(
      "shampoo: grafting.kind must be 'none' or 'sgd' or 'adam' or 'adagrad', received 'rms'",
    );
    expect(() => shampoo({ grafting: { kind: 'adam', beta2: 1 } })).toThrow('shampoo: grafting.beta2 must be in [0, 1), received 1');
  });
});

describe('which axes have a factor', () => {
  const all = { maxPreconditionDim: 8, precondition1d: true, sides: 'both' } as const;
  it.each([
    [[], all, []],
    [[8], all, [0]],
    [[9], all, []],
    [[8], { ...all, precondition1d: false }, []],
    [[8], { ...all, sides: 'right' }, [0]],
    [[3, 9], all, [0]],
    [[3, 4], { ...all, sides: 'shorter' }, [0]],
    [[4, 3], { ...all, sides: 'shorter' }, [1]],
    [[4, 4], { ...all, sides: 'shorter' }, [0]],
    [[3, 9], { ...all, sides: 'right' }, []],
    [[3, 9, 4], { ...all, sides: 'left' }, [0, 2]],
  ] as const)('%j with %j: %j', (shape, options, expected) => {
    expect(activeAxes(shape, options)).toEqual(expected);
  });
});

it('decays by ηλ of the old weights, beside the step', () => {
  const optimizer = make(shampoo({ ...plain, weightDecay: 0.25 }), { w: [2] });
  const before = values(optimizer.parameters['w']);
  optimizer.step({ w: [3, 4] });
  expectClose(
    values(optimizer.parameters['w']),
    [3, 4].map((x, i) => 0.75 * (before[i] ?? 0) - x / Math.sqrt(25.5)),
  );
});

it('a first step at s before the first roots is refused', () => {
  expect(() => shampoo({ preconditionFrequency: 3, startStep: 2 })).toThrow(
    'shampoo: startStep must be null or an integer >= preconditionFrequency = 3, received 2',
  );
});

it('a gradient of zeros from the start moves nothing', () => {
  for (const kind of ['none', 'sgd', 'adam', 'adagrad'] as const)
    expect(moves(shampoo({ ...plain, grafting: { kind } }), [2, 2], [[0, 0, 0, 0]])[0]).toEqual([0, 0, 0, 0]);
});
