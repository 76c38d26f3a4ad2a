import type { ReferenceBackend, ReferenceBuffer } from '@opt/backend-reference';
import type { Backend, Mode, Result } from '@opt/core';

/** The reference in another mode. */
export interface Moded<Run extends Mode, Read extends Mode> extends Backend<Run, Read, never, ReferenceBuffer> {
  readonly inner: ReferenceBackend;
}

/** Everything but running and reading, as the reference does it. */
const shared = (inner: ReferenceBackend) =>
  ({
    inner,
    specificationVersion: 1,
    precision: inner.precision,
    wide: inner.wide,
    create: (...given: Parameters<ReferenceBackend['create']>) => inner.create(...given),
    write: (buffer: ReferenceBuffer, data: ArrayLike<number>) => inner.write(buffer, data),
    release: () => inner.release(),
    dispose: () => inner.dispose(),
  }) as const;

/** A later turn of the event loop: whatever was not awaited has gone wrong by then. */
const later = async <T>(f: () => T): Promise<T> => {
  await Promise.resolve();
  await Promise.resolve();
  return f();
};

/** The reference as a backend in another process would be: nothing is done when a call returns. */
export function remote(inner: ReferenceBackend): Moded<'async', 'async'> {
  return {
    ...shared(inner),
    name: 'remote',
    run: 'async',
    read: 'async',
    readBuffer: (buffer) => later(() => inner.readBuffer(buffer).slice()),
    compile: (program, bind) =>
      later(() => {
        const executable = inner.compile(program, bind);
        return {
          run: (scalars: Float64Array): Result<'async', void> => {
            const now = scalars.slice();
            return later(() => executable.run(now));
          },
          dispose: () => executable.dispose(),
        };
      }),
  };
}

/** The reference as a GPU would be: work is submitted at once, reading back is waited for, so the device decides about poison. */
export function submitting(inner: ReferenceBackend): Moded<'sync', 'async'> {
  return {
    ...shared(inner),
    name: 'submitting',
    run: 'sync',
    read: 'async',
    readBuffer: (buffer) => {
      const now = inner.readBuffer(buffer).slice();
      return later(() => now);
    },
    compile: (program, bind) => inner.compile(program, bind),
  };
}

/** The reference as a backend that computes elsewhere, on memory that the host sees too. */
export function awaited(inner: ReferenceBackend): Moded<'async', 'sync'> {
  const { compile } = remote(inner);
  return { ...shared(inner), name: 'awaited', run: 'async', read: 'sync', readBuffer: (buffer) => inner.readBuffer(buffer), compile };
}

/** A gradient the host cannot look at. */
export interface OnDevice {
  readonly there: readonly number[];
}

const isOnDevice = (value: unknown): value is OnDevice => typeof value === 'object' && value !== null && 'there' in value;

/** The same for gradients that are on the device already, so that only the device can tell whether they are finite. */
export function unseen(inner: ReferenceBackend): Backend<'sync', 'async', OnDevice, ReferenceBuffer> {
  return {
    ...submitting(inner),
    shapeOf: (value) => (isOnDevice(value) ? [value.there.length] : undefined),
    write: (buffer, data) => inner.write(buffer, 'there' in data ? data.there : data),
  };
}
