import { train } from './train.ts';

const steps = Number(process.argv[2] ?? 300);
train(steps, (step, loss) => {
  if (step % 20 === 0 || step === steps - 1) console.log(`step ${String(step).padStart(4)}  loss ${loss.toFixed(4)}`);
});
