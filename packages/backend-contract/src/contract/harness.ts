import { reference } from '@opt/backend-reference';
import { type Program, type Shape, size, type Tensor, trace } from '@opt/core';
import { expect } from 'vitest';
import { everything } from '../extent.ts';
import type { AnyBackend } from '../families/family.ts';
import { runProgram } from '../run-program.ts';

/** Largest errors allowed. Elementwise work is compared entry by entry, everything else relative to the largest entry. */
export interface Tolerance {
  /** Operations IEEE rounds correctly: sums, products, quotients, roots. */
  readonly arithmetic: number;
  /** exp, log, expm1, sin, cos, pow. */
  readonly functions: number;
  /** Sums and matrix products. */
  readonly contraction: number;
  /** Residuals and orthogonality of factorisations. */
  readonly factorization: number;
  /** Parameters after a few dozen steps. */
  readonly trajectory: number;
}

const defaults: Readonly<Record<'f32' | 'f64', Tolerance>> = {
  f32: { arithmetic: 5e-7, functions: 5e-6, contraction: 1e-5, factorization: 5e-5, trajectory: 2e-4 },
  f64: { arithmetic: 2e-15, functions: 2e-14, contraction: 1e-13, factorization: 1e-11, trajectory: 1e-9 },
};

/** What `testBackend` needs to know. */
export interface BackendContract<B extends AnyBackend = AnyBackend> {
  readonly name: string;
  /** A fresh backend; it is disposed of afterwards. */
  readonly make: () => B | Promise<B>;
  readonly tolerance?: Partial<Tolerance>;
  /** Buffers alive on the backend, where it can say. */
  readonly buffers?: (backend: B) => number;
  /** Differential fuzzing: number of random programs (default 25), and the seed and path that a failure printed, to see it again. */
  readonly fuzz?: { readonly runs?: number; readonly seed?: number; readonly path?: string };
  /** Whether −0 stays what it is (default true); ONNX Runtime's `Where` makes 0 of it. */
  readonly signedZeros?: boolean;
  /** Of the pairs of a transform and a wrapper one in so many (default 1, all of them; with `OPT_TESTS=all` too), or none. */
  readonly wrapped?: number | false;
  /** One in so many transforms (default 1, all of them), for backends on which that takes too long; all of them with `OPT_TESTS=all`. */
  readonly share?: number;
  /** The same of recorded runs. */
  readonly recorded?: number;
  /** Steps of the test that nothing grows (default 1000). */
  readonly steps?: number;
}

/** One backend under test, with what it is measured by. */
export class Harness {
  readonly contract: Omit<BackendContract, 'buffers' | 'make'>;
  private readonly makeBackend: () => Promise<AnyBackend>;
  private readonly count: (() => number) | undefined;
  private made: AnyBackend | undefined;

  constructor(contract: Omit<BackendContract, 'buffers' | 'make'>, make: () => Promise<AnyBackend>, count: (() => number) | undefined) {
    this.contract = contract;
    this.makeBackend = make;
    this.count = count;
  }

  async start(): Promise<void> {
    this.made = await this.makeBackend();
  }

  stop(): void {
    this.made?.dispose();
    this.made = undefined;
  }

  get backend(): AnyBackend {
    if (this.made === undefined) throw new Error(`${this.contract.name}: no backend was made`);
    return this.made;
  }

  /** Whether the device, not the host, decides about poisoned steps. */
  get deviceDecides(): boolean {
    return this.backend.run === 'sync' && this.backend.read === 'async';
  }

  tolerance(kind: keyof Tolerance): number {
    return this.contract.tolerance?.[kind] ?? defaults[this.backend.precision][kind];
  }

  /** Those of a list that are tested. */
  share<T>(all: readonly T[], share: number = this.contract.share ?? 1): readonly T[] {
    return everything ? all : all.filter((_, i) => i % share === 0);
  }

  /** Those wrappers that are tested around the transform at position `at`. */
  wrappers<T>(all: readonly T[], at: number): readonly T[] {
    const { wrapped = 1 } = this.contract;
    return wrapped === false ? [] : all.filter((_, i) => everything || (at + i) % wrapped === 0);
  }

  /** Whether only a small share is tested: six hundred steps take minutes there. */
  get slow(): boolean {
    return this.share(Array.from({ length: 16 })).length === 1;
  }

  /** A number as the backend holds it. */
  round(x: number): number {
    return this.backend.precision === 'f32' ? Math.fround(x) : x;
  }

  /** Buffers alive, where the backend can say. */
  buffers(): number | undefined {
    return this.count?.();
  }
}

export function harnessOf<B extends AnyBackend>({ make, buffers, ...contract }: BackendContract<B>): Harness {
  let latest: B | undefined;
  const remember = async (): Promise<B> => {
    latest = await make();
    return latest;
  };
  return new Harness(contract, remember, buffers && (() => (latest === undefined ? 0 : buffers(latest))));
}

export interface Input {
  readonly shape: Shape;
  readonly data: readonly number[];
}

/** One use of an operation. `x(i)` is input i. */
export interface OpCase {
  readonly label: string;
  readonly inputs: readonly Input[];
  readonly f: (x: (i: number) => Tensor) => Readonly<Record<string, Tensor>>;
  readonly kind: keyof Tolerance;
  /** Entry by entry (default), or relative to the largest entry. */
  readonly by?: 'entry' | 'largest';
  /** Whether 0 and −0 differ. */
  readonly signedZero?: boolean;
}

export function traced({ label, inputs, f }: Pick<OpCase, 'label' | 'inputs' | 'f'>): Program {
  const shapes = Object.fromEntries(inputs.map(({ shape }, i) => [`x${i}`, shape]));
  return trace(
    shapes,
    (tensors) =>
      f((i) => {
        const tensor = tensors[`x${i}`];
        if (tensor === undefined) throw new Error(`${label}: there is no input ${i}`);
        return tensor;
      }),
    label,
  );
}

/** Outputs of a program on the backend under test, and the truth: the reference interpreter in f64 on the same rounded inputs. */
export async function evaluate(
  harness: Harness,
  one: Pick<OpCase, 'label' | 'inputs' | 'f'>,
): Promise<{ actual: Record<string, Float64Array>; truth: Record<string, Float64Array> }> {
  const program = traced(one);
  const inputs = Object.fromEntries(one.inputs.map(({ data }, i) => [`x${i}`, { data: data.map((x) => harness.round(x)) }]));
  return { actual: await runProgram(harness.backend, program, inputs), truth: await runProgram(reference(), program, inputs) };
}

export async function expectCase(harness: Harness, one: OpCase): Promise<void> {
  const { actual, truth } = await evaluate(harness, one);
  for (const [key, expected] of Object.entries(truth)) {
    expectClose(harness, `${one.label}: ${key}`, actual[key] ?? [], expected, harness.tolerance(one.kind), one);
  }
}

/**
 * Equal within `tolerance`: NaN only to NaN, infinities only to themselves, where infinite is what the backend's precision
 * cannot hold; results too small for that precision may be 0.
 */
export function expectClose(
  harness: Harness,
  label: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  { by = 'entry', signedZero = false }: Pick<OpCase, 'by' | 'signedZero'> = {},
): void {
  expect(actual.length, `${label}: number of entries`).toBe(expected.length);
  const truth = Array.from(expected, (x) => harness.round(x));
  const smallest = harness.backend.precision === 'f32' ? 2e-38 : 1e-307;
  const largest = truth.reduce((max, x) => (Number.isFinite(x) ? Math.max(max, Math.abs(x)) : max), 0);
  for (const [i, e] of truth.entries()) {
    const a = actual[i] ?? Number.NaN;
    const allowed = tolerance * (by === 'entry' ? Math.abs(e) : largest) + smallest;
    const finite = Number.isFinite(e);
    // Written so that NaN fails.
    if (finite ? !(Math.abs(a - e) <= allowed) : !Object.is(a, e))
      expect.fail(`${label}[${i}]: received ${a}, expected ${e}${finite ? `, error ${Math.abs(a - e)}, allowed ${allowed}` : ''}`);
    if (signedZero && harness.contract.signedZeros !== false && e === 0 && !Object.is(a, e))
      expect.fail(`${label}[${i}]: received ${a}, expected a zero of the other sign`);
  }
}

/** Bit for bit. */
export function expectSame(label: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length, `${label}: number of entries`).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i], expected[i]];
    if (!Object.is(a, e)) expect.fail(`${label}[${i}]: received ${a}, expected exactly ${e}`);
  }
}

/** Reproducible numbers in (−2, 2); no two draws with different seeds agree. */
export function values(count: number, seed: number): number[] {
  let state = (seed * 0x9e3779b9 + 0x6a09e667) >>> 0;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * 4 - 2;
  });
}

export const input = (shape: Shape, seed: number, map: (x: number) => number = (x) => x): Input => ({
  shape,
  data: values(size(shape), seed).map(map),
});

/** Shapes that catch what ordinary ones do not: scalars, single rows and columns, rank 4, lengths that are no multiple of 4. */
export const edgeShapes: readonly Shape[] = [
  [],
  [1],
  [2],
  [3],
  [5],
  [7],
  [17],
  [33],
  [1, 5],
  [5, 1],
  [1, 1],
  [3, 7],
  [4, 8],
  [2, 3, 5],
  [2, 1, 3, 2],
  [1, 1, 1, 1],
];
