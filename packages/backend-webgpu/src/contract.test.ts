import { testBackend } from '@opt/backend-contract/vitest';
import { emulated } from './testing/platform.ts';
import { webgpu } from './webgpu.ts';

emulated();

testBackend({
  name: 'webgpu',
  make: () => webgpu(),
  buffers: (backend) => backend.tensors,
  wrapped: false,
  steps: 60,
  fuzz: { runs: 5 },
});
