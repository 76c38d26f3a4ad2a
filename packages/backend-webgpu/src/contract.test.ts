import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { testBackend } from '@opt/backend-contract/vitest';
import { vi } from 'vitest';
import { webgpu } from './index.ts';

softwareAdapter();

/** An emulated device takes a second to compile a kernel: `OPT_WEBGPU=all` tests every transform and recorded run. */
const all = process.env['OPT_WEBGPU'] === 'all';
// An eigenproblem of a hundred rows in every step takes minutes there.
if (all) vi.setConfig({ testTimeout: 3_600_000 });

testBackend({
  name: 'webgpu',
  make: () => webgpu(),
  buffers: (backend) => backend.tensors,
  wrapped: false,
  share: all ? 1 : 16,
  steps: all ? 1000 : 60,
  fuzz: { runs: all ? 25 : 4 },
});
