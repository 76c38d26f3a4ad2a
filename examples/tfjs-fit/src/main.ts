import { parseArgs } from 'node:util';
import { ready, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { train } from './train.ts';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '600' },
    epochs: { type: 'string', default: '2' },
    seed: { type: 'string', default: '0' },
  },
});
await setBackend('cpu');
await ready();
await train({ images: Number(values.images), epochs: Number(values.epochs), seed: Number(values.seed) }, console.log);
