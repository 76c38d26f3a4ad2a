import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { testBackend } from '@opt/backend-contract/vitest';
import { webgpu } from './index.ts';

softwareAdapter();

/** An emulated device takes a second to compile a kernel: `OPT_WEBGPU=all` tests every transform and recorded run. */
const all = process.env['OPT_WEBGPU'] === 'all';

testBackend({
  name: 'webgpu',
  make: () => webgpu(),
  buffers: (backend) => backend.tensors,
  wrapped: false,
  share: all ? 1 : 16,
  steps: all ? 1000 : 60,
  fuzz: { runs: all ? 25 : 4 },
});
