import { setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { adam, optimizers } from './optimizers.ts';
import { programs } from './programs.ts';

/** Losses after each epoch, and how long the first one took; the first step is part of it. */
const epochs = 8;

await setBackend('cpu');
for (const { name, start } of programs) {
  console.log(`\n${name}`);
  for (const [optimizer, make] of Object.entries({ 'tfjs Adam': adam, ...optimizers })) {
    const training = start(make);
    const began = performance.now();
    const losses = [await training.epoch()];
    const first = performance.now() - began;
    while (losses.length < epochs) losses.push(await training.epoch());
    training.dispose();
    console.log(`  ${optimizer.padEnd(14)} ${losses.map((loss) => loss.toFixed(4)).join(' ')}   first epoch ${first.toFixed(0)} ms`);
  }
}
