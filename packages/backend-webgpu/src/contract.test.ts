import { softwareAdapter } from '@opt/backend-contract/software-adapter';
import { everything, testBackend } from '@opt/backend-contract/vitest';
import { vi } from 'vitest';
import { webgpu } from './index.ts';

softwareAdapter();

// An emulated device takes a second to compile a kernel, and minutes for an eigenproblem of a hundred rows in every step.
vi.setConfig({ testTimeout: everything ? 3_600_000 : 600_000 });

testBackend({
  name: 'webgpu',
  make: () => webgpu(),
  buffers: (backend) => backend.tensors,
  wrapped: false,
  share: 16,
  recorded: 22,
  steps: everything ? 1000 : 60,
  fuzz: { runs: everything ? 25 : 4 },
});
