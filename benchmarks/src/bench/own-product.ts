import type { WasmBackend, WasmBuffer } from '@opt/backend-wasm';
import { trace } from '@opt/core';
import { type Contender, looped } from './contender.ts';
import { tensors } from './models.ts';

/** One product, of two matrices [n, n]; or of one and its transpose, which is half the work. */
export function ownProduct(n: number, symmetric: boolean, backend: WasmBackend): Contender {
  const shapes = { a: [n, n], b: [n, n] };
  const program = trace(shapes, ({ a, b }) => ({ c: a.matmul(symmetric ? a : b, { transposeB: true }) }));
  const buffers = new Map<string, WasmBuffer>();
  const values = tensors(shapes, 1);
  for (const { key, shape, dtype } of [...program.inputs, ...program.outputs]) {
    const buffer = backend.create('parameter', key, shape, dtype);
    backend.write(buffer, values[key] ?? []);
    buffers.set(key, buffer);
  }
  const executable = backend.compile(program, (key) => bufferOf(buffers, key));
  const scalars = new Float64Array(program.host.scalars.length);
  return looped(
    () => executable.run(scalars),
    () => backend.dispose(),
  );
}

function bufferOf(buffers: ReadonlyMap<string, WasmBuffer>, key: string): WasmBuffer {
  const buffer = buffers.get(key);
  if (buffer === undefined) throw new Error(`no buffer '${key}'`);
  return buffer;
}
