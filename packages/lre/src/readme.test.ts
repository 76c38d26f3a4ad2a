import { readFileSync } from 'node:fs';
// README
import { reference } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { clipNormByEma, lre } from '@opt/lre';
import { ggt } from '@opt/lre-basis';
import { covariance } from '@opt/lre-curvature';
import { adam, cautious } from '@opt/transforms';
import { expect, it } from 'vitest';

// A stretched valley: ½Σ i·(x_i − 1)².
const gradient = (x: Float64Array): Float64Array => x.map((value, i) => (i + 1) * (value - 1));
const optimizer = createOptimizer({
  transform: lre({
    learningRate: (step) => 0.5 * 0.98 ** step,
    curvature: covariance(),
    basis: ggt({ historySize: 10 }),
    inner: [adam({ beta2: 0.99 }), cautious(), clipNormByEma({ normalize: true })],
  }),
  parameters: { x: { shape: [20], data: new Float64Array(20) } },
  backend: reference(),
});
for (let step = 0; step < 300; step++) optimizer.step({ x: gradient(Float64Array.from(optimizer.parameters.x)) });
console.log(optimizer.parameters.x); // close to 1, 1, …
// /README

it('the example of the README is this one, and comes close', () => {
  const example = /^\/\/ README\n(.*)^\/\/ \/README$/ms.exec(readFileSync(new URL(import.meta.url), 'utf8'))?.[1];
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(
    example?.replace("import { expect, it } from 'vitest';\n", '').trim(),
  );
  expect(Math.max(...Array.from(optimizer.parameters.x, (x) => Math.abs(x - 1)))).toBeLessThan(0.3);
});
