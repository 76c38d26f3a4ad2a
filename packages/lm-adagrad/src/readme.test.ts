import { readFileSync } from 'node:fs';
// README
import { reference } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { lmAdagrad } from '@opt/lm-adagrad';
import { expect, it } from 'vitest';

// Least squares: ½‖Ax − b‖².
const A = [
  [1, 0.2],
  [1, -0.2],
  [0.5, 0.1],
];
const b = [1.2, 0.8, 0.6];
const gradient = (x: ArrayLike<number>): number[] => {
  const residuals = A.map(([p = 0, q = 0], i) => p * (x[0] ?? 0) + q * (x[1] ?? 0) - (b[i] ?? 0));
  return [0, 1].map((j) => residuals.reduce((sum, r, i) => sum + r * (A[i]?.[j] ?? 0), 0));
};

const optimizer = createOptimizer({
  transform: lmAdagrad({ learningRate: (step) => 0.3 * 0.99 ** step, historySize: 5 }),
  parameters: { x: { shape: [2], data: [0, 0] } },
  backend: reference(),
});
for (let step = 0; step < 500; step++) optimizer.step({ x: gradient(optimizer.parameters.x) });
console.log(optimizer.parameters.x); // close to [1, 1]
// /README

it('the example of the README is this one, and comes close', () => {
  const example = /^\/\/ README\n(.*)^\/\/ \/README$/ms.exec(readFileSync(new URL(import.meta.url), 'utf8'))?.[1];
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(
    example?.replace("import { expect, it } from 'vitest';\n", '').trim(),
  );
  expect([...optimizer.parameters.x].map((x) => Math.round(x * 20) / 20)).toEqual([1, 1]);
});
