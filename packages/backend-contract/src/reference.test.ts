import { reference } from '@opt/backend-reference';
import { testBackend } from './vitest.ts';

testBackend({ name: 'reference in f64', make: () => reference(), buffers: (backend) => backend.buffers, wrapped: false });
testBackend({ name: 'reference in f32', make: () => reference({ precision: 'f32' }), buffers: (backend) => backend.buffers });
