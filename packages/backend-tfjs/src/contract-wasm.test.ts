import { testBackend } from '@opt/backend-contract/vitest';
import { ready, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { tfjs } from './tfjs.ts';

testBackend({
  name: 'tfjs on wasm',
  make: async () => {
    await setBackend('wasm');
    await ready();
    return tfjs();
  },
  buffers: (backend) => backend.buffers,
  wrapped: 16,
  share: 4,
});
