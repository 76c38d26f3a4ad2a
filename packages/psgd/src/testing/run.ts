import { reference } from '@opt/backend-reference';
import { mapValues, required, type Shape, type Tensor, trace } from '@opt/core';

export interface Given {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** Runs a function of named tensors once, in f64. */
export function run<K extends string, R extends string>(
  inputs: Readonly<Record<K, Given>>,
  f: (tensors: Record<K, Tensor>) => Readonly<Record<R, Tensor>>,
): Record<string, number[]> {
  const backend = reference();
  const program = trace(
    mapValues<K, Given, Shape>(inputs, ({ shape }) => shape),
    f,
  );
  const buffers = mapValues(
    Object.fromEntries([...program.inputs, ...program.outputs].map((one) => [one.key, one])),
    ({ key, shape, dtype }) => backend.create('output', key, shape, dtype),
  );
  const bufferOf = (key: string) => required(buffers, key, 'buffer');
  for (const [key, { data }] of Object.entries<Given>(inputs)) if (key in buffers) backend.write(bufferOf(key), data);
  backend.compile(program, bufferOf).run(new Float64Array(0));
  return Object.fromEntries(program.outputs.map(({ key }) => [key, Array.from(bufferOf(key).data)]));
}
