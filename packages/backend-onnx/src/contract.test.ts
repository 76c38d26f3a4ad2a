import { testBackend } from '@opt/backend-contract/vitest';
import { onnx } from './index.ts';

// Every product that ONNX Runtime can compute goes there, however small.
testBackend({ name: 'onnx', make: () => onnx({ threshold: 0, threads: 1 }), buffers: (backend) => backend.buffers, wrapped: 16, share: 2 });
