import { testBackend } from '@opt/backend-contract/vitest';
import { ready, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { tfjs } from './tfjs.ts';

testBackend({
  name: 'tfjs on cpu',
  make: async () => {
    await setBackend('cpu');
    await ready();
    return tfjs();
  },
  buffers: (backend) => backend.buffers,
  wrapped: 16,
  share: 4,
});
