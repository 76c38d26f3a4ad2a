import { readFileSync } from 'node:fs';
// README
import { defaultDevice, init, numpy as np } from '@jax-js/jax';
import { reference } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { lInv, lre } from '@opt/lre';
import { direct } from '@opt/lre-basis';
import { gaussNewton } from '@opt/lre-curvature';
import { jaxObjective } from '@opt/objective-jax-js';
import { expect, it } from 'vitest';

await init('wasm');
defaultDevice('wasm');
// Fit y = a·tanh(b·x): residuals of single samples, and half their sum of squares.
const residual = ({ a, b }: Record<'a' | 'b', np.Array>, x: np.Array, y: np.Array) => np.tanh(x.mul(b)).mul(a).sub(y);
const problem = jaxObjective({
  shapes: { a: [], b: [] },
  loss: (parameters: Record<'a' | 'b', np.Array>, x, y) => np.sum(np.square(residual(parameters, x, y))).mul(0.5),
  sample: residual,
});
const optimizer = createOptimizer({
  transform: lre({ learningRate: 1, curvature: gaussNewton(), basis: direct({ beta: 0 }), inner: lInv() }),
  parameters: { a: { shape: [], data: [1] }, b: { shape: [], data: [1] } },
  backend: reference(),
});
const x = Array.from({ length: 20 }, (_, i) => i / 10 - 1);
const batch = [x, x.map((value) => 2 * Math.tanh(1.5 * value))].map((data) => ({ data, shape: [20] }));
for (let step = 0; step < 20; step++) optimizer.step(problem.at(optimizer.parameters, ...batch));
console.log(optimizer.parameters.a, optimizer.parameters.b); // close to 2 and 1.5
// /README

it('the example of the README is this one, and comes close', () => {
  const example = /^\/\/ README\n(.*)^\/\/ \/README$/ms.exec(readFileSync(new URL(import.meta.url), 'utf8'))?.[1];
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(
    example?.replace("import { expect, it } from 'vitest';\n", '').trim(),
  );
  expect(optimizer.parameters.a[0]).toBeCloseTo(2, 2);
  expect(optimizer.parameters.b[0]).toBeCloseTo(1.5, 2);
});
