import { runWorker } from './queue/run-worker.ts';

process.exitCode = await runWorker(process.argv.slice(2), new URL('./runs/catalogue.ts', import.meta.url).href);
