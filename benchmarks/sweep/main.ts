import { runSweep } from './run-sweep.ts';
import { catalogue } from './runs/catalogue.ts';

// A reader that has seen enough, as in `pnpm sweep | head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await runSweep(process.argv.slice(2), { catalogue, url: new URL('./runs/catalogue.ts', import.meta.url).href });
