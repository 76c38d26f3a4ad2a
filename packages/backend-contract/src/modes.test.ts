import { reference } from '@opt/backend-reference';
import { createOptimizer } from '@opt/core';
import { adamw } from '@opt/transforms';
import { expect, it } from 'vitest';
import { awaited, remote, submitting } from './testing/modes.ts';
import { testBackend } from './vitest.ts';

testBackend({
  name: 'asynchronous',
  make: () => remote(reference({ precision: 'f32' })),
  buffers: ({ inner }) => inner.buffers,
  fuzz: { runs: 5 },
  wrapped: false,
  share: 3,
});
testBackend({
  name: 'that must not be read',
  make: async () => submitting(reference()),
  buffers: ({ inner }) => inner.buffers,
  fuzz: { runs: 5 },
  wrapped: false,
});
testBackend({
  name: 'that is awaited and can be read at any time',
  make: () => awaited(reference({ precision: 'f32' })),
  buffers: ({ inner }) => inner.buffers,
  fuzz: { runs: 5 },
  wrapped: false,
  share: 3,
});

it('a backend that is awaited gives views, not promises: when a step is over, and while it is under way', async () => {
  const optimizer = await createOptimizer({
    transform: adamw({ learningRate: 0.1 }),
    parameters: { w: { shape: [2], data: [1, 2] } },
    backend: awaited(reference({ precision: 'f32' })),
  });
  const step = optimizer.step({ w: [1, 1] });
  expect([...optimizer.parameters.w]).toEqual([1, 2]);
  await step;
  expect(optimizer.parameters.w[0]).toBeLessThan(0.95);
});
