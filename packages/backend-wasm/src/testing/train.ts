import { createOptimizer } from '@opt/core';
import { soap } from '@opt/soap';
import { wasm } from '../index.ts';
import { noise } from './noise.ts';

/** A tiny model trained for 25 steps of SOAP: the first basis, ordinary steps and two refreshes. Gives its parameters. */
export function train(): number[] {
  const optimizer = createOptimizer({
    transform: soap(),
    parameters: { w: { shape: [6, 4], data: noise(24) }, b: { shape: [5], data: noise(5) } },
    backend: wasm(),
  });
  for (let i = 0; i < 25; i++) optimizer.step({ w: noise(24, i + 2), b: noise(5, i + 2) });
  const { w, b } = optimizer.parameters;
  const result = [...w, ...b];
  optimizer.dispose();
  return result;
}
