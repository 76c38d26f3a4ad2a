import { parseArgs } from 'node:util';
import { enableProdMode, ready, setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { train } from './train.ts';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '600' },
    epochs: { type: 'string', default: '2' },
    seed: { type: 'string', default: '0' },
  },
});

function whole(name: keyof typeof values, least: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new RangeError(`--${name} must be a whole number from ${least}, received '${values[name]}'`);
}

const settings = { images: whole('images', 1), epochs: whole('epochs', 1), seed: whole('seed', 0) };
// Without the advice to install another package.
enableProdMode();
await setBackend('cpu');
await ready();
await train(settings, console.log);
