import { readFileSync } from 'node:fs';
// README
import { reference } from '@opt/backend-reference';
import { createOptimizer, type Values } from '@opt/core';
import { lInv, lre } from '@opt/lre';
import { direct } from '@opt/lre-basis';
import { sr1 } from '@opt/lre-curvature';
import { expect, it } from 'vitest';

// ½xᵀHx − Σx with H = diag(1, 10, 100, …): condition 10⁵.
const H = [1, 10, 100, 1e3, 1e4, 1e5];
const optimizer = createOptimizer({
  transform: lre({
    learningRate: 1,
    curvature: sr1(),
    basis: direct({ rank: 6, beta: null, eigTol: 1e-9, updateDamping: 0 }),
    inner: lInv(),
  }),
  parameters: { x: { shape: [6], data: new Float64Array(6) } },
  backend: reference(),
});
const objective = {
  gradients: () => ({ x: H.map((h, i) => h * (optimizer.parameters.x[i] ?? 0) - 1) }),
  hvp: (v: Values<'x'>) => ({ x: H.map((h, i) => h * (v.x[i] ?? 0)) }),
};
for (let step = 0; step < 7; step++) optimizer.step(objective);
console.log(optimizer.parameters.x); // 1, 0.1, 0.01, …
// /README

it('the example of the README is this one, and arrives', () => {
  const example = /^\/\/ README\n(.*)^\/\/ \/README$/ms.exec(readFileSync(new URL(import.meta.url), 'utf8'))?.[1];
  expect(readFileSync(new URL('../../lre-curvature/README.md', import.meta.url), 'utf8')).toContain(
    example?.replace("import { expect, it } from 'vitest';\n", '').trim(),
  );
  H.forEach((h, i) => {
    expect((optimizer.parameters.x[i] ?? 0) * h).toBeCloseTo(1, 8);
  });
});
