import { commandLine, UsageError, usage } from './command-line.ts';
import { train } from './train.ts';

try {
  const steps = commandLine(process.argv.slice(2));
  if (steps === 'help') console.log(usage);
  else
    train(steps, (step, loss) => {
      if (step % 20 === 0 || step === steps - 1) console.log(`step ${String(step).padStart(4)}  loss ${loss.toFixed(4)}`);
    });
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`jax-js-loop: ${error.message}\n\n${usage}`);
  process.exitCode = 2;
}
