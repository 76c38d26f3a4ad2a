import { testBackend } from '@opt/backend-contract/vitest';
import { wasm } from './index.ts';

testBackend({ name: 'wasm', make: () => wasm(), buffers: (backend) => backend.buffers, wrapped: 3, fuzz: { runs: 2000 } });
