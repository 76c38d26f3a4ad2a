import { testBackend } from '@opt/backend-contract/vitest';
import { BackendError, createOptimizer, OptionTypeError } from '@opt/core';
import { soap } from '@opt/soap';
import { describe, expect, it } from 'vitest';
import { onnx } from '../index.ts';
import type { WorkerOptions } from './protocol.ts';
import { WorkerBackend } from './worker-backend.ts';

// Where the tests run on the sources, so does the worker.
const source = { script: new URL('../testing/serve-source.mjs', import.meta.url), flags: ['--conditions=@opt/source'] };
const start = (options: WorkerOptions): Promise<WorkerBackend> =>
  process.env['TEST_BUILT'] ? onnx({ ...options, worker: true }) : WorkerBackend.start(options, source);

testBackend({
  name: 'onnx in a worker',
  make: () => start({ threshold: 0, threads: 1 }),
  buffers: (backend) => backend.buffers,
  wrapped: false,
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

  it('says what went wrong in it', async () => {
    const backend = await start({ maxMemory: 2 ** 20, threads: 1 });
    const buffer = backend.create('slot', 's', [2 ** 20], 'working');
    await expect(backend.readBuffer(buffer)).rejects.toThrow(BackendError);
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

  it('cannot be given an engine of this thread', async () => {
    const engine = await import('onnxruntime-node');
    await expect(onnx({ worker: true, engine })).rejects.toThrow(OptionTypeError);
  });
});
