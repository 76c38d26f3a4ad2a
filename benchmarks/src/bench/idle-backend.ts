import { type Backend, type Floats, type Role, type Shape, size } from '@opt/core';

/** Does nothing at all: what a step costs on it is the host's own work. Every verdict is that gradients are finite. */
export const idle = (): Backend<'sync', 'sync', never, Floats> => ({
  specificationVersion: 1,
  name: 'idle',
  run: 'sync',
  read: 'sync',
  precision: 'f32',
  wide: 'f64',
  create: (role: Role, _key: string, shape: Shape) => new Float32Array(role === 'output' ? size(shape) : 0).fill(1),
  write() {},
  readBuffer: (buffer: Floats) => buffer,
  release() {},
  compile: () => ({ run() {}, dispose() {} }),
  dispose() {},
});
