import { createOptimizer, OptError, trace } from '@opt/core';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import * as onnxruntime from 'onnxruntime-node';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadEngine, type OnnxEngine } from './engine.ts';
import { onnx } from './index.ts';
import { noise } from './testing/noise.ts';

afterEach(() => vi.restoreAllMocks());

const parametersOf = (rows: number, columns: number) => ({ w: { shape: [rows, columns], data: noise(rows * columns) } });

/** ONNX Runtime with something in the way. */
const engineWith = (create: OnnxEngine['InferenceSession']['create']): OnnxEngine => ({
  Tensor: onnxruntime.Tensor,
  InferenceSession: { create },
});

describe('without ONNX Runtime', () => {
  it('says what to install', async () => {
    const missing = loadEngine(() => Promise.reject(new Error("Cannot find package 'onnxruntime-node'\nmore")));
    await expect(missing).rejects.toThrow(OptError);
    await expect(missing).rejects.toThrow(
      "onnx: onnxruntime-node cannot be loaded (Cannot find package 'onnxruntime-node'): install it with 'npm install onnxruntime-node@1.30.0'",
    );
  });

  it.each(['contractions', 'whole'] as const)('a session that cannot be made is done without, with one warning (%s)', async (graph) => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const make = async (engine?: OnnxEngine) => {
      const backend = await onnx({ threshold: 0, threads: 1, graph, ...(engine && { engine }) });
      const optimizer = await createOptimizer({ transform: soap({ initialBasis: 'identity' }), parameters: parametersOf(20, 12), backend });
      for (let i = 0; i < 5; i++) await optimizer.step({ w: noise(240, i + 2) });
      return optimizer.parameters.w.slice();
    };
    const expected = await make();
    warned.mockClear();
    const actual = await make(engineWith(() => Promise.reject(new Error('no such operator\nmore'))));
    actual.forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i] ?? Number.NaN, 5);
    });
    const said = warned.mock.calls.map(([message]) => String(message));
    expect(said.filter((message) => message.includes('[20, 12]ᵀ'))).toHaveLength(1);
    expect(said.join('\n')).toMatch(/onnx: no session for the products .*\[20, 12\].* \(no such operator\); WebAssembly computes them/);
    expect(new Set(said).size).toBe(said.length);
  });

  it('a run that fails interrupts the step', async () => {
    const engine = engineWith(async (model, options) => {
      const session = await onnxruntime.InferenceSession.create(model, options);
      return { run: () => Promise.reject(new Error('the device is lost')), release: () => session.release() };
    });
    const optimizer = await createOptimizer({
      transform: soap({ initialBasis: 'identity' }),
      parameters: parametersOf(8, 8),
      backend: await onnx({ threshold: 0, threads: 1, engine }),
    });
    await expect(optimizer.step({ w: noise(64) })).rejects.toThrow(/the device is lost/);
  });
});

describe('one memory', () => {
  it('may grow while a session is under way, which then is called again', async () => {
    let failed = 0;
    const engine = engineWith(async (model, options) => {
      const session = await onnxruntime.InferenceSession.create(model, options);
      return {
        run: async (feeds, fetches = {}) => {
          try {
            return await session.run(feeds, fetches);
          } catch (error) {
            failed++;
            throw error;
          }
        },
        release: () => session.release(),
      };
    });
    const train = async (grow: boolean) => {
      const backend = await onnx({ threshold: 0, threads: 1, engine });
      const optimizer = await createOptimizer({ transform: soap(), parameters: parametersOf(33, 17), backend });
      for (let i = 0; i < 5; i++) {
        const step = optimizer.step({ w: noise(33 * 17, i + 2) });
        // Until a session has been called, which begins in a later turn of the event loop.
        for (let turn = 0; turn < 50; turn++) await Promise.resolve();
        const before = backend.memoryBytes;
        if (grow) backend.create('slot', 'large', [before / 4], 'working');
        expect(backend.memoryBytes > before).toBe(grow);
        await step;
      }
      return optimizer.parameters.w;
    };
    const expected = await train(false);
    expect(failed).toBe(0);
    expect(await train(true)).toEqual(expected);
    expect(failed).toBeGreaterThan(0);
  });

  it('optimizers that share a backend wait for each other', async () => {
    const run = async (together: boolean) => {
      const backend = await onnx({ threshold: 0, threads: 1 });
      const make = (n: number) =>
        createOptimizer({ transform: soap({ preconditionFrequency: 2 }), parameters: parametersOf(n, n), backend });
      const [one, other] = [await make(20), await make(60)];
      // The larger one needs more scratch, which its programs get while those of the other run.
      for (let i = 0; i < 8; i++) {
        const steps = [() => one.step({ w: noise(400, i + 2) }), ...(i < 2 ? [] : [() => other.step({ w: noise(3600, i + 50) })])];
        if (together) await Promise.all(steps.map((step) => step()));
        else for (const step of steps) await step();
      }
      return [...one.parameters.w, ...other.parameters.w];
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it.each([1, 2])(
    'an optimizer may be disposed of after %i steps, during the next; nothing is written into its memory afterwards',
    async (steps) => {
      const backend = await onnx({ threshold: 0, threads: 1 });
      const optimizer = await createOptimizer({ transform: soap(), parameters: parametersOf(40, 40), backend });
      // The third step has its program already, the second one compiles it.
      for (let i = 0; i < steps; i++) await optimizer.step({ w: noise(1600, i) });
      const step = optimizer.step({ w: noise(1600, 7) });
      const outcome = step.then(
        () => 'done',
        (error: unknown) => (error instanceof OptError ? error.code : 'failed'),
      );
      // Until the session is called, which is in a later turn of the event loop.
      for (let i = 0; i < 50; i++) await Promise.resolve();
      optimizer.dispose();
      const others = Array.from({ length: 8 }, () => backend.create('slot', 's', [1600], 'working'));
      expect(await outcome).toBe(steps === 1 ? 'disposed' : 'done');
      for (const buffer of others) expect(backend.readBuffer(buffer).every((x) => x === 0)).toBe(true);
      for (const buffer of others) backend.release(buffer);
      await new Promise((resolve) => setImmediate(resolve));
      expect(backend.buffers).toBe(0);
      expect(backend.sessions).toBe(0);
    },
  );

  it('stays what it is over many steps, and so does what the process takes', async () => {
    const backend = await onnx({ threshold: 0, threads: 1 });
    const optimizer = await createOptimizer({ transform: soap(), parameters: parametersOf(48, 32), backend });
    const gradients = Array.from({ length: 7 }, (_, i) => noise(48 * 32, i + 2));
    const train = async (steps: number): Promise<number> => {
      for (let i = 0; i < steps; i++) await optimizer.step({ w: gradients[i % 7] ?? [] });
      return process.memoryUsage().rss;
    };
    await train(300);
    const [before, bytes, sessions] = [await train(300), backend.memoryBytes, backend.sessions];
    const after = await train(1500);
    expect([backend.memoryBytes, backend.sessions]).toEqual([bytes, sessions]);
    // 1,500 steps hand out some 40 MB of results: kept, they would show.
    expect(after - before).toBeLessThan(30e6);
  });
});

describe('which engine computes', () => {
  it('one threshold, the same bits', async () => {
    const run = async () => {
      const backend = await onnx({ threshold: 30 ** 3, threads: 1 });
      const optimizer = await createOptimizer({ transform: soap({ preconditionFrequency: 3 }), parameters: parametersOf(64, 20), backend });
      for (let i = 0; i < 8; i++) await optimizer.step({ w: noise(1280, i + 2) });
      expect(backend.sessions).toBeGreaterThan(0);
      return optimizer.parameters.w.slice();
    };
    expect(await run()).toEqual(await run());
  });

  it('small and narrow products stay in WebAssembly', async () => {
    const backend = await onnx({ threshold: 1e5, threads: 1 });
    const program = trace({ x: [20, 20], y: [100_000, 4] }, ({ x, y }) => ({
      small: x.matmul(x),
      narrow: y.matmul(y, { transposeA: true }),
    }));
    await backend.compile(program, (key) => backend.create('output', key, key === 'y' ? [100_000, 4] : [20, 20], 'working'));
    expect(backend.sessions).toBe(0);
  });

  it('is measured where nothing is said, and at 256 × 256 decided', async () => {
    const backend = await onnx({ threads: 1 });
    const program = trace({ x: [512, 512] }, ({ x }) => ({ y: x.matmul(x) }));
    await backend.compile(program, (key) => backend.create('output', key, [512, 512], 'working'));
    expect(backend.sessions).toBe(1);
  });

  it('steps without products need no session', async () => {
    const backend = await onnx({ threads: 1 });
    const optimizer = await createOptimizer({ transform: adamw(), parameters: parametersOf(300, 300), backend });
    await optimizer.step({ w: noise(90_000) });
    expect(backend.sessions).toBe(0);
  });
});

describe('options', () => {
  it.each<[Readonly<Record<string, unknown>>, RegExp]>([
    [{ threads: 0 }, /onnx: threads must be an integer >= 1, received 0/],
    [{ threads: 1.5 }, /threads must be/],
    [{ spinning: 1 }, /onnx: spinning must be true or false, received 1/],
    [{ threshold: -1 }, /onnx: threshold must be a number >= 0, received -1/],
    [{ threshold: Number.NaN }, /threshold must be/],
    [{ graph: 'part' }, /onnx: graph must be 'contractions' or 'whole', received 'part'/],
    [{ executionProviders: [] }, /onnx: executionProviders must be/],
    [{ maxMemory: 1 }, /onnx: maxMemory must be in \[1048576, 4294967296\], received 1/],
    [{ worker: 'yes' }, /onnx: worker must be true or false, received 'yes'/],
    [{ threshold: '5' }, /onnx: threshold must be a number >= 0, received '5'/],
    [{ maxMemory: '1e7' }, /onnx: maxMemory must be in .*, received '1e7'/],
    [{ executionProviders: 'cpu' }, /onnx: executionProviders must be a list of at least one provider, such as \['cpu'\], received 'cpu'/],
    [{ executionProviders: [undefined] }, /onnx: executionProviders must be/],
    [{ engine: {} }, /onnx: engine must be ONNX Runtime: await import\('onnxruntime-node'\), received an object/],
    [{ thread: 1 }, /onnx: unknown option 'thread', known are threads, .*/],
  ])('%j is refused', async (options, message) => {
    await expect(onnx(options)).rejects.toThrow(message);
    await expect(onnx(options)).rejects.toThrow(OptError);
  });

  it('a backend that was not awaited is refused by createOptimizer', () => {
    const given = { transform: adamw(), parameters: parametersOf(2, 2), backend: onnx() };
    expect(() => Reflect.apply(createOptimizer, undefined, [given])).toThrow(
      'createOptimizer: backend must be a backend such as wasm(), received a Promise (is an await missing?); await it first',
    );
  });
});
