import { setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { adam, optimizers } from './optimizers.ts';
import type { Maker } from './program.ts';
import { programs } from './programs.ts';

/** Losses after each epoch, and how long the optimizer's own first step took, with the gradients given. */
const epochs = 8;

/** Optimizers that note how long their first step takes, in milliseconds. */
const timed =
  (make: Maker, took: number[]): Maker =>
  (...models) => {
    const optimizer = make(...models);
    const apply = optimizer.applyGradients.bind(optimizer);
    optimizer.applyGradients = (gradients) => {
      const began = performance.now();
      apply(gradients);
      took.push(performance.now() - began);
      optimizer.applyGradients = apply;
    };
    return optimizer;
  };

await setBackend('cpu');
for (const { name, start } of programs) {
  console.log(`\n${name}`);
  for (const [optimizer, make] of Object.entries({ 'tfjs Adam': adam, ...optimizers })) {
    const took: number[] = [];
    const training = start(timed(make, took));
    const losses: number[] = [];
    while (losses.length < epochs) losses.push(await training.epoch());
    training.dispose();
    console.log(
      `  ${optimizer.padEnd(14)} ${losses.map((loss) => loss.toFixed(4)).join(' ')}   first step ${Math.max(...took).toFixed(0)} ms`,
    );
  }
}
