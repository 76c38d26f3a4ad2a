import { testBackend } from '@opt/backend-contract/vitest';
import { jaxJs } from './backend.ts';

testBackend({ name: 'jax-js on wasm', make: () => jaxJs(), buffers: (backend) => backend.buffers, wrapped: 16, share: 6 });
