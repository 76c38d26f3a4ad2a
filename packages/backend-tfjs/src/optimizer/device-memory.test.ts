import '@tensorflow/tfjs-backend-cpu';
import { BackendError } from '@opt/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { gpuDevice } from './device-memory.ts';

it('says that tfjs is on another backend', async () => {
  await tf.setBackend('cpu');
  expect(gpuDevice).toThrow(BackendError);
  expect(gpuDevice).toThrow("tfjs must be on webgpu, received 'cpu'");
});
