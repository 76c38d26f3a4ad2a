import { reference } from '@opt/backend-reference';
import { remote, submitting } from './testing/modes.ts';
import { testBackend } from './vitest.ts';

testBackend({
  name: 'asynchronous',
  make: () => remote(reference({ precision: 'f32' })),
  buffers: ({ inner }) => inner.buffers,
  fuzz: { runs: 5 },
  wrapped: false,
});
testBackend({
  name: 'that must not be read',
  make: async () => submitting(reference()),
  buffers: ({ inner }) => inner.buffers,
  fuzz: { runs: 5 },
  wrapped: false,
});
