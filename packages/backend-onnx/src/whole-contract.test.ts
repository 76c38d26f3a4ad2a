import { testBackend } from '@opt/backend-contract/vitest';
import { onnx } from './index.ts';

// Whole programs, where ONNX has all their operations.
testBackend({
  name: 'onnx, whole graphs',
  make: () => onnx({ graph: 'whole', threshold: 0, threads: 1 }),
  buffers: (backend) => backend.buffers,
  signedZeros: false,
  wrapped: false,
  share: 2,
});
