import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { everything } from '@opt/backend-contract/vitest';
import { createOptimizer, OptionRangeError, OptionTypeError, trace } from '@opt/core';
import { fmaSupported } from '@opt/linalg';
import { soap } from '@opt/soap';
import { adamw } from '@opt/transforms';
import { describe, expect, it, vi } from 'vitest';
import { wasm } from '../index.ts';
import { runOn } from '../testing/compare.ts';
import { finest } from '../testing/finest.ts';
import { noise } from '../testing/noise.ts';
import { threadsOf } from '../testing/threads.ts';
import { threaded } from '../wasm.ts';

const run = promisify(execFile);

/** Threads of this process, where the system tells. */
const tasks = '/proc/self/task';
const alive = (): number => readdirSync(tasks).length;

describe('wasm({ threads })', () => {
  it.each([
    [0, OptionRangeError],
    [1.5, OptionRangeError],
    [Number.NaN, OptionRangeError],
    ['2', OptionTypeError],
    [null, OptionTypeError],
  ])('refuses %s threads', (threads, error) => {
    const settings: object = { threads };
    expect(() => wasm(settings)).toThrow(error);
    expect(() => wasm(settings)).toThrow(/^wasm: threads must be an integer >= 1, received/);
  });

  it('with one has no shared memory, like without', async () => {
    for (const backend of [await wasm({ threads: 1 }), wasm()]) {
      expect(backend.threads).toBe(1);
      const buffer = backend.create('slot', 's', [3], 'working');
      expect(backend.readBuffer(buffer).buffer).toBeInstanceOf(ArrayBuffer);
      backend.dispose();
    }
  });

  it('has one thread, and says why, where workers cannot be had', async () => {
    const said = vi.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      const entry = { script: new URL('nowhere.mjs', import.meta.url), flags: [] };
      const backend = await threaded(2 ** 28, true, 3, { entry });
      expect(backend.threads).toBe(1);
      expect(said.mock.calls).toEqual([[expect.stringMatching(/^wasm: one thread instead of 3: Cannot find module .*nowhere\.mjs/)]]);
      const { y } = runOn(
        backend,
        trace({ x: [2] }, ({ x }) => ({ y: x.add(1) })),
        { x: [1, 2] },
      );
      expect(Array.from(y ?? [])).toEqual([2, 3]);
    } finally {
      said.mockRestore();
    }
  });

  it('leaves small programs to one thread', async () => {
    const backend = await threadsOf(2);
    const step = (n: number): number => {
      const before = backend.sharedRuns;
      const optimizer = createOptimizer({ transform: adamw(), parameters: { w: { shape: [n], data: noise(n) } }, backend });
      optimizer.step({ w: noise(n, 2) });
      optimizer.dispose();
      return backend.sharedRuns - before;
    };
    expect(step(1000)).toBe(0);
    expect(step(1_000_000)).toBeGreaterThan(0);
    backend.dispose();
  });

  it('serves several optimizers, saves arrays that can be sent, and goes on alone when it is disposed of', async () => {
    const backend = await threadsOf(2, finest);
    const make = (on = backend) =>
      createOptimizer({ transform: soap(), parameters: { w: { shape: [20, 12], data: noise(240) } }, backend: on });
    const [a, b, alone] = [make(), make(), make(wasm())];
    const step = (i: number): void => {
      for (const optimizer of [a, b, alone]) optimizer.step({ w: noise(240, i + 2) });
    };
    for (let i = 0; i < 12; i++) step(i);
    const saved = structuredClone(a.save());
    expect(saved).toEqual(alone.save());
    b.load(saved);
    backend.dispose();
    for (let i = 12; i < 24; i++) step(i);
    expect(a.save()).toEqual(alone.save());
    expect(b.parameters.w.slice()).toEqual(alone.parameters.w);
    a.dispose();
    b.dispose();
  });

  it.skipIf(!existsSync(tasks))('ends its workers when it is disposed of', async () => {
    const before = alive();
    const backend = await threadsOf(4);
    expect(alive()).toBeGreaterThanOrEqual(before + 3);
    backend.dispose();
    await vi.waitFor(() => expect(alive()).toBeLessThan(before + 3), { timeout: 20_000 });
  });

  it('has the bits of one thread with fused multiply-add too, and lets a process end that forgot it', async () => {
    const script = fileURLToPath(new URL('../testing/threads-bits.ts', import.meta.url));
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    // Node 20 has it behind a flag.
    const flags = fmaSupported() ? [] : ['--experimental-wasm-relaxed-simd'];
    const { stdout } = await run(process.execPath, [...flags, '--conditions=@opt/source', '--import', loader, script]);
    expect(JSON.parse(stdout)).toEqual({ fma: true, runs: true, same: true });
  });

  // Eight threads on two cores wait for each other at every stage, in any order that a busy machine can think of.
  const steps = everything ? 10_000 : 250;
  it(`takes ${steps} steps on eight threads: no deadlock, no growth, the bits of one`, { timeout: 1_200_000 }, async () => {
    const shapes = { a: [48, 40], ab: [48], b: [40, 16], large: [5000] };
    const parameters = Object.fromEntries(
      Object.entries(shapes).map(([key, shape], i) => [
        key,
        {
          shape,
          data: noise(
            shape.reduce((x, y) => x * y),
            i + 1,
          ),
        },
      ]),
    );
    const eight = await threadsOf(8, finest);
    const [one, several] = [wasm(), eight].map((backend) => createOptimizer({ transform: soap(), parameters, backend }));
    const gradients = Array.from({ length: 7 }, (_, turn) =>
      Object.fromEntries(Object.entries(parameters).map(([key, { data }], i) => [key, noise(data.length, 10 * turn + i)])),
    );
    const train = (count: number): void => {
      for (let i = 0; i < count; i++) for (const optimizer of [one, several]) optimizer?.step(gradients[i % 7] ?? {});
    };
    train(50);
    const [memory, compiled, resident] = [eight.memoryBytes, eight.compiled, process.memoryUsage().rss];
    train(steps - 50);
    expect([eight.memoryBytes, eight.compiled]).toEqual([memory, compiled]);
    expect(process.memoryUsage().rss - resident).toBeLessThan(100e6);
    expect(several?.save()).toEqual(one?.save());
    eight.dispose();
  });

  it('takes no more memory for programs that come and go', async () => {
    const backend = await threadsOf(2, finest);
    const program = trace({ x: [64, 64] }, ({ x }) => ({ y: x.matmul(x) }));
    const round = (): void => void runOn(backend, program, {});
    for (let i = 0; i < 20; i++) round();
    const memory = backend.memoryBytes;
    for (let i = 0; i < 80; i++) round();
    expect(backend.memoryBytes).toBe(memory);
    backend.dispose();
  });
});
