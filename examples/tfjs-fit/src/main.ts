import { commandLine, UsageError, usage } from './command-line.ts';

try {
  const settings = commandLine(process.argv.slice(2));
  if (settings === 'help') console.log(usage);
  else {
    const { enableProdMode, ready, setBackend } = await import('@tensorflow/tfjs-core');
    await import('@tensorflow/tfjs-backend-cpu');
    const { train } = await import('./train.ts');
    // Without the advice to install another package.
    enableProdMode();
    await setBackend('cpu');
    await ready();
    await train(settings, console.log);
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`tfjs-fit: ${error.message}\n\n${usage}`);
  process.exitCode = 2;
}
