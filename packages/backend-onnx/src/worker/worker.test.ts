import { testBackend } from '@opt/backend-contract/vitest';
import { BackendError, createOptimizer, OptionTypeError } from '@opt/core';
import { soap } from '@opt/soap';
import { describe, expect, it } from 'vitest';
import { onnx } from '../index.ts';
import type { WorkerOptions } from './protocol.ts';
import { WorkerBackend } from './worker-backend.ts';

// The worker runs on the source, as these tests do, and on whatever they have of other packages.
const built = process.env['TEST_BUILT'] !== undefined;
const entry = { script: new URL('../testing/serve-source.mjs', import.meta.url), flags: built ? [] : ['--conditions=@opt/source'] };
const start = (options: WorkerOptions): Promise<WorkerBackend> => WorkerBackend.start(options, entry);

testBackend({
  name: 'onnx in a worker',
  make: () => start({ threshold: 0, threads: 1 }),
  buffers: (backend) => backend.buffers,
  wrapped: false,
  share: 6,
  recorded: 6,
  fuzz: { runs: 10 },
});

describe('a worker', () => {
  it('leaves this thread free: timers fire during a step', async () => {
    const n = 512;
    const backend = await start({ threads: 1, threshold: 1e6 });
    const data = Float32Array.from({ length: n * n }, (_, i) => Math.sin(i * i * 0.37 + i));
    const optimizer = await createOptimizer({ transform: soap(), parameters: { w: { shape: [n, n], data } }, backend });
    // Eigenvectors and a first basis: one run of many milliseconds, with nothing in it that waits.
    let [over, fired] = [false, 0];
    const timer = setInterval(() => {
      if (!over) fired++;
    }, 1);
    await optimizer.step({ w: data });
    over = true;
    clearInterval(timer);
    expect(fired).toBeGreaterThan(10);
    optimizer.dispose();
    backend.dispose();
  });

  it('says what went wrong in it, and goes on with what did not', async () => {
    const backend = await start({ maxMemory: 2 ** 20, threads: 1 });
    const [fine, large] = [4, 2 ** 20].map((n) => backend.create('slot', 's', [n], 'working'));
    if (fine === undefined || large === undefined) throw new Error('two buffers are needed');
    await expect(backend.readBuffer(large)).rejects.toThrow(BackendError);
    await expect(backend.readBuffer(large)).rejects.toThrow(/needs 4194304 bytes more, which cannot be had: \d+ of at most 1048576/);
    backend.write(fine, [1, 2, 3, 4]);
    expect([...(await backend.readBuffer(fine))]).toEqual([1, 2, 3, 4]);
    backend.dispose();
  });

  it('that has ended answers nothing', async () => {
    const backend = await start({ threads: 1 });
    const buffer = backend.create('slot', 's', [2], 'working');
    expect([...(await backend.readBuffer(buffer))]).toEqual([0, 0]);
    const reading = backend.readBuffer(buffer);
    backend.dispose();
    await expect(reading).rejects.toThrow(/worker has ended/);
    await expect(backend.readBuffer(buffer)).rejects.toThrow(BackendError);
  });

  it.runIf(built)('is found where the package was built', async () => {
    const { onnx: packaged }: typeof import('../index.ts') = await import(new URL('../../dist/index.js', import.meta.url).href);
    const backend = await packaged({ worker: true, threads: 1 });
    const buffer = backend.create('slot', 's', [3], 'working');
    backend.write(buffer, [1, 2, 3]);
    expect([...(await backend.readBuffer(buffer))]).toEqual([1, 2, 3]);
    backend.dispose();
  });

  it('cannot be given an engine of this thread', async () => {
    const engine = await import('onnxruntime-node');
    await expect(onnx({ worker: true, engine })).rejects.toThrow(OptionTypeError);
  });
});
