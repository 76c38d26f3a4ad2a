import { type Shape, size, trace } from '@opt/core';
import { newtonSchulz } from '@opt/geometric';
import type { AnyBackend } from '../backends.ts';
import { type Contender, looped } from './contender.ts';
import { normals } from './random.ts';
import { quintic } from './recipes.ts';

/** Muon's polar factor of one matrix, which lies in the backend's memory as its result does. */
export async function ownPolar(shape: Shape, backend: AnyBackend): Promise<Contender> {
  const triples = Array.from({ length: quintic.nsSteps }, () => quintic.nsCoefficients);
  const program = trace({ x: shape }, ({ x }) => ({ y: newtonSchulz(x, { triples, epsilon: 1e-7, route: 'auto' }) }));
  const [x, y] = ['x', 'y'].map((key) => backend.create('parameter', key, shape, 'working'));
  backend.write(x, normals(size(shape), 1));
  const executable = await backend.compile(program, (key) => (key === 'x' ? x : y));
  const scalars = new Float64Array(program.host.scalars.length);
  return looped(
    () => executable.run(scalars),
    () => {
      executable.dispose();
      backend.dispose();
    },
  );
}
