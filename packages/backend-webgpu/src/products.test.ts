import { runProgram } from '@opt/backend-contract';
import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { reference } from '@opt/backend-reference';
import { type MatmulOptions, type Program, trace } from '@opt/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WebGpuBackend, webgpu } from './webgpu.ts';

softwareAdapter();
const { create } = await import('webgpu');

/** Reproducible numbers in (−1, 1), of which every tenth is a thousand times smaller. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * (i % 10 === 3 ? 1e-3 : 1);
  });
}

interface Problem {
  readonly m: number;
  readonly n: number;
  readonly inner: number;
  readonly batch: number;
  readonly options: MatmulOptions;
}

/** Sizes around those of tiles, of both kinds; long inner axes are cut into slices. */
const problems: readonly Problem[] = [
  { m: 64, n: 32, inner: 16, batch: 1, options: {} },
  { m: 33, n: 27, inner: 19, batch: 2, options: { transposeA: true } },
  { m: 130, n: 129, inner: 70, batch: 1, options: { transposeB: true } },
  { m: 30, n: 50, inner: 2100, batch: 1, options: { transposeA: true, transposeB: true } },
];

const label = ({ m, n, inner, batch, options }: Problem): string => `${batch}×[${m}, ${inner}]·[${inner}, ${n}] ${Object.keys(options)}`;

function programOf({ m, n, inner, batch, options }: Problem): Program {
  const a = options.transposeA === true ? [batch, inner, m] : [batch, m, inner];
  const b = options.transposeB === true ? [batch, n, inner] : [batch, inner, n];
  return trace({ a, b }, ({ a: left, b: right }) => ({ c: left.matmul(right, options) }), 'product');
}

const inputsOf = ({ m, n, inner, batch }: Problem, scale = 1) => ({
  a: { data: numbers(batch * m * inner, 1).map((x) => x * scale) },
  b: { data: numbers(batch * n * inner, 2) },
});

// Held by the module: Dawn's devices die with what made them.
const gpu = create([]);
/** Dawn without a GPU behind it offers every extension: it checks shaders, and runs none. */
const checking = create(['backend=null']);

describe('products and sums with what a device offers', () => {
  let ordinary: WebGpuBackend;
  let sharing: WebGpuBackend;
  let halves: WebGpuBackend;
  beforeAll(async () => {
    const device = await (await gpu.requestAdapter())?.requestDevice();
    if (device === undefined) throw new Error('no WebGPU adapter');
    ordinary = webgpu({ device });
    sharing = await webgpu();
    halves = await webgpu({ productStorage: 'f16' });
  });
  afterAll(() => {
    ordinary.device.destroy();
    for (const backend of [ordinary, sharing, halves]) backend.dispose();
  });

  it.each(problems.map((problem) => [label(problem), problem] as const))(
    'quads hand around what they read, and the product is the same bit for bit: %s',
    async (_, problem) => {
      const [program, inputs] = [programOf(problem), inputsOf(problem)];
      expect(ordinary.device.features.has('subgroups')).toBe(false);
      const [plain, shared] = [await runProgram(ordinary, program, inputs), await runProgram(sharing, program, inputs)];
      expect(shared).toEqual(plain);
      const { c = [] } = await runProgram(reference(), program, inputs);
      const bound = problem.inner * 2 ** -22;
      for (const [i, x] of Array.from(plain['c'] ?? []).entries()) expect(Math.abs(x - (c[i] ?? Number.NaN))).toBeLessThan(bound);
    },
  );

  it.each([1, 1e-30, 1e30])('f16 in tiles stays within its bound whatever the scale: %s', async (scale) => {
    for (const problem of problems) {
      const [program, inputs] = [programOf(problem), inputsOf(problem, scale)];
      const { c: exact = [] } = await runProgram(reference(), program, inputs);
      const magnitudes = Object.fromEntries(Object.entries(inputs).map(([key, { data }]) => [key, { data: data.map(Math.abs) }]));
      const { c: sums = [] } = await runProgram(reference(), program, magnitudes);
      const [a, b] = [inputs.a.data, inputs.b.data].map((data) => data.reduce((most, x) => Math.max(most, Math.abs(x)), 0));
      const { c: actual = [] } = await runProgram(halves, program, inputs);
      const rest = 2 ** -22 * problem.inner * (a ?? 0) * (b ?? 0);
      let largest = 0;
      for (const [i, x] of Array.from(actual).entries()) {
        const error = Math.abs(x - (exact[i] ?? Number.NaN));
        expect(error).toBeLessThanOrEqual(2 ** -9 * (sums[i] ?? 0) + rest);
        largest = Math.max(largest, error / ((sums[i] ?? 0) + 1e-38));
      }
      // That they are held in f16 at all.
      expect(largest).toBeGreaterThan(2 ** -16);
      expect(await runProgram(halves, program, inputs)).toEqual({ c: actual });
    }
  });

  it.each(['sum', 'maximum'] as const)('%s over a workgroup, with subgroups and without', async (kind) => {
    const shape = [3, 700];
    const program = trace({ x: shape }, ({ x }) => ({ y: kind === 'sum' ? x.sum([1]) : x.maximum([1]) }), kind);
    const inputs = { x: { data: numbers(2100, 7) } };
    const { y: exact = [] } = await runProgram(reference(), program, inputs);
    for (const backend of [ordinary, sharing]) {
      const first = await runProgram(backend, program, inputs);
      for (const [i, x] of Array.from(first['y'] ?? []).entries())
        expect(Math.abs(x - (exact[i] ?? Number.NaN))).toBeLessThanOrEqual(kind === 'sum' ? 1e-4 : 0);
      expect(await runProgram(backend, program, inputs)).toEqual(first);
    }
  });

  it('refuses another storage', () => {
    const productStorage: string = 'f8';
    expect(() => Reflect.apply(webgpu, undefined, [{ productStorage }])).toThrow(
      `webgpu: productStorage must be 'f32' or 'f16', received 'f8'`,
    );
  });
});

it('a device with f16 of its own takes the shaders that use it', async () => {
  const device = await (await checking.requestAdapter())?.requestDevice({ requiredFeatures: ['shader-f16', 'subgroups'] });
  if (device === undefined) throw new Error('no null adapter');
  const written: string[] = [];
  const makeModule = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    written.push(descriptor.code);
    return makeModule(descriptor);
  };
  const backend = webgpu({ device, productStorage: 'f16' });
  for (const problem of problems) await expect(runProgram(backend, programOf(problem), inputsOf(problem))).resolves.toHaveProperty('c');
  expect(written.filter((text) => text.startsWith('enable f16;')).length).toBeGreaterThan(1);
  backend.dispose();
  device.destroy();
});
