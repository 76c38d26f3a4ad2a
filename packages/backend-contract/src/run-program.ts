import { type Backend, type Mode, type Program, size } from '@opt/core';

/** Runs a program once on given inputs and gives its outputs: for programs of `trace`, which keep nothing. */
export async function runProgram<Native, Buffer>(
  backend: Backend<Mode, Mode, Native, Buffer>,
  program: Program,
  inputs: Readonly<Record<string, { readonly data: ArrayLike<number> }>>,
  scalars: readonly number[] = [],
): Promise<Record<string, Float64Array>> {
  const buffers = new Map<string, Buffer>();
  for (const { key, shape, dtype } of program.inputs) {
    const buffer = backend.create('parameter', key, shape, dtype);
    backend.write(buffer, inputs[key]?.data ?? new Float64Array(size(shape)));
    buffers.set(key, buffer);
  }
  for (const { key, shape, dtype } of program.outputs) if (!buffers.has(key)) buffers.set(key, backend.create('output', key, shape, dtype));
  const executable = await backend.compile(program, (key) => {
    const buffer = buffers.get(key);
    if (buffer === undefined) throw new Error(`program '${program.name}' has no buffer '${key}'`);
    return buffer;
  });
  await executable.run(Float64Array.from(scalars));
  const results: Record<string, Float64Array> = {};
  for (const { key } of program.outputs) {
    const buffer = buffers.get(key);
    if (buffer !== undefined) results[key] = Float64Array.from(await backend.readBuffer(buffer));
  }
  executable.dispose();
  for (const buffer of buffers.values()) backend.release(buffer);
  return results;
}
