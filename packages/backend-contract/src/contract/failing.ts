import type { Executable } from '@opt/core';
import type { AnyBackend } from '../families/family.ts';

/** The backend, except that the next programs fail, as many as `breakDown` says: a lost device. */
export function failing(inner: AnyBackend): { backend: AnyBackend; breakDown: (runs: number) => void } {
  let broken = 0;
  const guard = (executable: Executable): Executable => ({
    run(scalars) {
      if (broken-- > 0) throw new Error('the device is lost');
      return executable.run(scalars);
    },
    dispose: () => executable.dispose(),
  });
  const backend: AnyBackend = {
    specificationVersion: 1,
    name: inner.name,
    run: inner.run,
    read: inner.read,
    precision: inner.precision,
    wide: inner.wide,
    create: (role, key, shape, dtype) => inner.create(role, key, shape, dtype),
    write: (buffer, data) => inner.write(buffer, data),
    readBuffer: (buffer) => inner.readBuffer(buffer),
    release: (buffer) => inner.release(buffer),
    compile(program, bind) {
      const executable = inner.compile(program, bind);
      return executable instanceof Promise ? executable.then(guard) : guard(executable);
    },
    dispose() {},
  };
  return {
    backend,
    breakDown: (runs) => {
      broken = runs;
    },
  };
}
