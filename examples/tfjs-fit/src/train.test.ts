import { ready, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { expect, it } from 'vitest';
import { train } from './train.ts';

it('learns digits, and the loaded model goes on where the saved one stopped', async () => {
  await setBackend('cpu');
  await ready();
  const lines: string[] = [];
  const { accuracy, difference } = await train({ images: 400, epochs: 2, seed: 0 }, (line) => lines.push(line));
  expect(lines.filter((line) => line.startsWith('epoch'))).toHaveLength(4);
  expect(accuracy).toBeGreaterThan(0.6);
  expect(difference).toBe(0);
}, 300_000);
