import { type ReferenceBuffer, reference } from '@opt/backend-reference';
import { type Backend, BackendError, createOptimizer, type DType, type Role, type Shape } from '@opt/core';
import { describe, expect, it } from 'vitest';
import { soap } from './soap.ts';
import { type Deferring, deferring, last } from './testing/deferring.ts';
import { eye, gradientAt, values } from './testing/matrices.ts';
import { make, plain, start } from './testing/runs.ts';

describe('what is under way', () => {
  it('is not in a checkpoint, and what a load finds under way never lands', async () => {
    const backend = deferring();
    const optimizer = make(backend);
    for (let call = 1; call <= 3; call++) optimizer.step({ w: gradientAt(call) });
    const file = optimizer.save();
    const other = make(reference());
    expect(optimizer.load(file)).toEqual({ missing: [], surplus: [], fresh: [], converted: [], hyperparameters: [] });
    other.load(file);
    const { buffers } = backend;
    await last(backend).finish();
    expect(backend.buffers).toBeLessThan(buffers);
    for (let call = 4; call <= 5; call++) for (const one of [optimizer, other]) one.step({ w: gradientAt(call) });
    expect(values(optimizer.parameters.w)).toEqual(values(other.parameters.w));
    expect(values(optimizer.state['soap.Q0:w'])).toEqual(eye(6).flat());
    // The next refresh asks anew.
    optimizer.step({ w: gradientAt(6) });
    expect(backend.started).toHaveLength(2);
    await last(backend).finish();
    optimizer.step({ w: gradientAt(7) });
    expect(values(optimizer.state['soap.Q0:w'])).not.toEqual(eye(6).flat());
  });

  it('a load also drops what has arrived and was not used yet', async () => {
    const backend = deferring();
    const optimizer = make(backend);
    optimizer.step({ w: gradientAt(1) });
    const file = optimizer.save();
    await last(backend).finish();
    optimizer.load(file);
    optimizer.step({ w: gradientAt(2) });
    expect(values(optimizer.state['soap.Q0:w'])).toEqual(eye(6).flat());
  });

  it('keeps its buffers until it ends, also where the optimizer is gone', async () => {
    for (const end of ['finish', 'fail'] as const) {
      const backend = deferring();
      const optimizer = make(backend);
      optimizer.step({ w: gradientAt(1) });
      optimizer.dispose();
      // A covariance in, a basis out.
      expect(backend.buffers).toBe(2);
      await last(backend)[end](new Error('too late to matter'));
      expect([backend.buffers, backend.alive]).toEqual([0, 0]);
    }
  });

  it('is not begun where the optimizer went while its step was awaited', async () => {
    for (const turns of [0, 1, 2, 4, 8, 16]) {
      const backend = deferring();
      const parameters = { w: { shape: [6, 3], data: start() } };
      const optimizer = await createOptimizer({ transform: soap(plain), parameters, backend: asynchronous(backend) });
      const stepping = optimizer.step({ w: gradientAt(1) }).catch(() => {});
      for (let i = 0; i < turns; i++) await Promise.resolve();
      optimizer.dispose();
      await stepping;
      for (const job of backend.started) await job.finish();
      expect([turns, backend.buffers, backend.alive]).toEqual([turns, 0, 0]);
    }
  });

  it('that fails is told by the next step, which changes nothing; the one after goes on', async () => {
    const backend = deferring();
    const optimizer = make(backend);
    optimizer.step({ w: gradientAt(1) });
    optimizer.step({ w: gradientAt(2) });
    const before = optimizer.save();
    const cause = new Error('no worker');
    await last(backend).fail(cause);
    const step = (): void => optimizer.step({ w: gradientAt(3) });
    expect(step).toThrow(expect.objectContaining({ code: 'backend', cause }));
    expect(optimizer.save()).toEqual(before);
    expect(step).not.toThrow();
    for (let call = 4; call <= 6; call++) optimizer.step({ w: gradientAt(call) });
    expect(backend.started).toHaveLength(2);
    await last(backend).finish();
    optimizer.step({ w: gradientAt(7) });
    expect(values(optimizer.state['soap.Q0:w'])).not.toEqual(eye(6).flat());
  });

  it('that cannot even be compiled is told in the same way', async () => {
    const backend = deferring();
    const broken = Object.assign(backend, {
      deferral: {
        ...backend.deferral,
        compile: () => {
          throw new BackendError('no memory');
        },
      },
    });
    const optimizer = make(broken);
    optimizer.step({ w: gradientAt(1) });
    await optimizer.settled();
    expect(() => optimizer.step({ w: gradientAt(2) })).toThrow(/deferred computation failed.*no memory.*'soap.Q0:w'/);
  });

  it('can be waited for', async () => {
    const backend = deferring();
    const optimizer = make(backend);
    optimizer.step({ w: gradientAt(1) });
    let over = false;
    const settled = optimizer.settled().then(() => {
      over = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    await last(backend).finish();
    await settled;
    optimizer.step({ w: gradientAt(2) });
    expect(values(optimizer.state['soap.Q0:w'])).not.toEqual(eye(6).flat());
    await make(reference()).settled();
  });
});

/** What the backends below leave to the one they are made of. */
const common = (base: Deferring) =>
  ({
    specificationVersion: 1,
    precision: base.precision,
    wide: base.wide,
    create: (role: Role, key: string, shape: Shape, dtype: DType) => base.create(role, key, shape, dtype),
    write: (buffer: ReferenceBuffer, data: ArrayLike<number>) => base.write(buffer, data),
    release: () => base.release(),
    deferral: base.deferral,
    dispose() {},
  }) as const;

const asynchronous = (base: Deferring): Backend<'async', 'sync', never, ReferenceBuffer> => ({
  ...common(base),
  name: 'awaited',
  run: 'async',
  read: 'sync',
  readBuffer: (buffer) => base.readBuffer(buffer),
  async compile(program, bind) {
    const { run, dispose } = base.compile(program, bind);
    return { run: async (scalars) => run(scalars), dispose };
  },
});

/** A gradient the host cannot look at. */
interface OnDevice {
  readonly there: readonly number[];
}

/** Like a GPU: runs at once, and is read later, so that it decides itself about gradients that are on it. */
const deciding = (base: Deferring): Backend<'sync', 'async', OnDevice, ReferenceBuffer> => ({
  ...common(base),
  shapeOf: (value) => (typeof value === 'object' && value !== null && 'there' in value ? [6, 3] : undefined),
  write: (buffer, data) => base.write(buffer, 'there' in data ? data.there : data),
  name: 'deciding',
  run: 'sync',
  read: 'async',
  readBuffer: async (buffer) => base.readBuffer(buffer),
  compile: (program, bind) => base.compile(program, bind),
});

describe('a step that is given something', () => {
  it('is the next that is applied: a collecting call and a dropped one leave it for later', async () => {
    const backend = deferring();
    const optimizer = make(backend, { ...plain, gradientAccumulationSteps: 2 });
    for (let call = 1; call <= 2; call++) optimizer.step({ w: gradientAt(call) });
    await last(backend).finish();
    // Collects; is dropped, and is part of no window.
    for (const w of [gradientAt(3), [Number.NaN, ...gradientAt(4).slice(1)]]) {
      optimizer.step({ w });
      expect(values(optimizer.state['soap.Q0:w'])).toEqual(eye(6).flat());
    }
    expect(optimizer.skippedSteps).toBe(1);
    optimizer.step({ w: gradientAt(5) });
    expect(values(optimizer.state['soap.Q0:w'])).not.toEqual(eye(6).flat());
  });

  it('loses it where the device skips that step, and keeps a whole state', async () => {
    const backend = deferring();
    const parameters = { w: { shape: [6, 3], data: start() } };
    const optimizer = createOptimizer({ transform: soap(plain), parameters, backend: deciding(backend) });
    for (let call = 1; call <= 2; call++) optimizer.step({ w: gradientAt(call) });
    await last(backend).finish();
    const moment = values(await optimizer.state['soap/adam.m:w']);
    optimizer.step({ w: { there: [Number.NaN, ...gradientAt(3).slice(1)] } });
    expect(await optimizer.skippedSteps).toBe(1);
    expect(values(await optimizer.state['soap/adam.m:w'])).toEqual(moment);
    for (let call = 4; call <= 6; call++) optimizer.step({ w: gradientAt(call) });
    expect(values(await optimizer.state['soap.Q0:w'])).toEqual(eye(6).flat());
    await last(backend).finish();
    optimizer.step({ w: gradientAt(7) });
    expect(values(await optimizer.state['soap.Q0:w'])).not.toEqual(eye(6).flat());
  });

  it('may itself be awaited: the same run, with steps one after the other', async () => {
    const [one, other] = [deferring(), deferring()];
    const synchronous = make(one);
    const awaited = await createOptimizer({
      transform: soap(plain),
      parameters: { w: { shape: [6, 3], data: start() } },
      backend: asynchronous(other),
    });
    for (let call = 1; call <= 8; call++) {
      synchronous.step({ w: gradientAt(call) });
      await awaited.step({ w: gradientAt(call) });
      if (call % 5 === 1) await Promise.all([last(one).finish(), last(other).finish()]);
    }
    expect(one.started).toHaveLength(2);
    expect(values(awaited.parameters.w)).toEqual(values(synchronous.parameters.w));
    expect(values(awaited.state['soap.Q0:w'])).toEqual(values(synchronous.state['soap.Q0:w']));
    expect(values(awaited.state['soap.Q0:w'])).not.toEqual(eye(6).flat());
  });
});
