import { readFileSync } from 'node:fs';
// README
import { reference } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { lInvSqrt, lre } from '@opt/lre';
import { direct } from '@opt/lre-basis';
import { ema } from '@opt/transforms';
import { expect, it } from 'vitest';

// Noisy gradients of ½‖x‖², loud along one direction: whitening turns that down.
const noise = (step: number): number => 10 * Math.sin(12.9898 * step);
const optimizer = createOptimizer({
  transform: lre({
    learningRate: (step) => 0.1 * 0.995 ** step,
    basis: direct({ rank: 4, beta: 0.95 }),
    inner: [lInvSqrt(), ema({ beta: 0.5 })],
  }),
  parameters: { x: { shape: [8], data: new Array(8).fill(1) } },
  backend: reference(),
});
for (let step = 0; step < 1000; step++) {
  const n = noise(step);
  optimizer.step({ x: Array.from(optimizer.parameters.x, (x, i) => x + (i === 0 ? n : 0)) });
}
console.log(optimizer.parameters.x); // all small, the noisy one too
// /README

it('the example of the README is this one, and comes close', () => {
  const example = /^\/\/ README\n(.*)^\/\/ \/README$/ms.exec(readFileSync(new URL(import.meta.url), 'utf8'))?.[1];
  expect(readFileSync(new URL('../../lre-basis/README.md', import.meta.url), 'utf8')).toContain(
    example?.replace("import { expect, it } from 'vitest';\n", '').trim(),
  );
  expect(Math.max(...Array.from(optimizer.parameters.x, Math.abs))).toBeLessThan(0.3);
});
